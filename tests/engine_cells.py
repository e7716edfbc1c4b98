"""A notebook with many kinds of cells, and what of an executed one does not depend on when and where it ran."""

from __future__ import annotations

import json
import re
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

CELLS = (
    "1 + 1", "x = 5; x;", "_, In[2], Out[1], __name__",
    "import sys\nprint('a')\nprint('e', file=sys.stderr)\nprint('b')",
    "import os, subprocess\nos.write(1, b'raw \\xc3\\xa9\\n')\nsubprocess.run(['echo', 'child']);",
    "os.system('echo err >&2');", "!echo shell; exit 3", "_exit_code", "%%bash\necho from bash\necho bad >&2",
    "from IPython.display import HTML, clear_output, display\nh = display(HTML('<b>x</b>'), display_id='one')\ndisplay({'a': 1})",
    "h.update(HTML('<i>y</i>'))", "display(1, metadata={'k': 'v'})", "display(HTML('<u>z</u>'), display_id='one')",
    "print('gone'); clear_output(); print('stays'); display('s')", "print('gone'); clear_output(wait=True); print('new')",
    "import asyncio\nawait asyncio.sleep(0.01)\nasync def f():\n    print('in task')\n    return 7\nawait f()",
    "task = asyncio.create_task(f())", "await task",
    "class R:\n    def _repr_html_(self): return '<p>r</p>'\n    def _repr_png_(self): return b'\\x89PNG\\r\\n'\n    def __repr__(self): return 'R()'\nR()",
    "%lsmagic", "len?", "%who", "%history -n", "import warnings; warnings.warn('careful')",
    "import logging; logging.warning('logged'); logging.getLogger('x').error('boo')",
    "get_ipython().__class__.__name__, sys.stdout.encoding, sys.stdout.isatty(), sys.argv[0][-21:], len(sys.path)",
    "'IPKernelApp' in get_ipython().config, os.getcwd(), os.environ['TERM']",
    "[name for name in sorted(os.environ) if name not in ('JPY_PARENT_PID', 'PYDEVD_USE_FRAME_EVAL')]",
    "import threading\nt = threading.Thread(target=lambda: print('thread'))\nt.start(); t.join()",
    "from ipywidgets import IntSlider, Output\ns = IntSlider(3)\ns", "o = Output()\no",
    "with o:\n    print('inside')\n    display('d')", "s.value = 9\ns",
    "import multiprocessing\np = multiprocessing.get_context('fork').Process(target=print, args=('forked',), kwargs={'flush': True})\np.start(); p.join()",
    "print('\\x1b[31mred\\x1b[0m', 'caf\\u00e9', '\\U0001f600')", "import pickle\ndef g(): pass\npickle.loads(pickle.dumps(g)) is g",
    "%%capture cap\nprint('x'); 3", "cap.stdout, cap.outputs", "%env FOO=1", "%cd /", "os.getcwd()", "",
)  # fmt: skip
FAILING = (
    "1/0", "input('x')", "def a(n):\n    return b(n)\ndef b(n):\n    raise ValueError('deep\\n' + str(n))\na(3)", "if True print(1)",
    "raise KeyboardInterrupt", "import nonexistent_thing", "try:\n    1/0\nexcept Exception as e:\n    raise RuntimeError('two') from e",
    "await asyncio.wait_for(asyncio.sleep(5), 0.01)", "sys.exit(3)", "asyncio.get_running_loop().run_forever()", "class Bad:\n    def __repr__(self): raise ValueError('repr')\nBad()",
    "%nomagic", "assert x == 1, 'msg'", "import getpass; getpass.getpass()", "s.foo()", "import json; json.loads('{')",
    "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])",
)  # fmt: skip
TIMES = ("start_time", "end_time", "duration", "iopub.", "shell.", "input_path", "output_path")
"""Beginnings of keys that say when, and of those that papermill fills with where."""


def notebook(*sources: str, tags: tuple[str, ...] = ()) -> NotebookNode:
    """A notebook of code cells for this Python."""
    made = new_notebook(cells=[new_code_cell(source, metadata={"tags": list(tags)} if tags else {}) for source in sources])
    made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made.metadata.papermill = {}
    return made


def every_kind() -> NotebookNode:
    """Cells that succeed, cells that may fail, one that fails, and one that is never reached."""
    made = notebook(*CELLS)
    made.cells.insert(0, new_markdown_cell("# Every kind"))
    made.cells.append(new_code_cell("print('not run')", metadata={"tags": ["skip-execution"]}))
    made.cells += notebook(*FAILING, tags=("raises-exception", "kept")).cells
    made.cells += notebook("print('before')\nundefined_name", "2").cells
    return made


def comparable(value: Any) -> Any:
    """Without times, process numbers, addresses and random ids; streams in one piece: a kernel cuts them by the clock."""
    if isinstance(value, dict):
        kept = {key: comparable(item) for key, item in value.items() if not key.startswith(TIMES) and key != "id"}
        return dict(sorted(_renamed(kept).items()))
    if isinstance(value, list):
        return [comparable(item) for item in _in_one_piece(value)]
    if isinstance(value, str):
        return re.sub(r"ipykernel_\d+|\b\d{10}\.py|0x[0-9a-f]{6,}|[0-9a-f]{32}", "ID", value)
    return value


def _renamed(items: dict[str, Any]) -> dict[str, Any]:
    """Widgets are known by random ids, and lie in their order."""
    named = {key: item for key, item in items.items() if not re.fullmatch("[0-9a-f]{32}", key)}
    others = sorted((items[key] for key in items.keys() - named.keys()), key=json.dumps)
    return named | {f"ID{place:04}": item for place, item in enumerate(others)}


def _in_one_piece(outputs: list[Any]) -> list[Any]:
    joined: list[Any] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if not isinstance(output, dict) or output.get("output_type") != "stream":
            joined.append(output)
            continue
        text = "".join(output["text"])
        if isinstance(last, dict) and last.get("name") == output["name"]:
            joined[-1] = {**last, "text": last["text"] + text}
        else:
            joined.append({**output, "text": text})
    return joined
