"""Checks that try to earn a proof without one: by recognising the tree, by luck, by forging, by another flaw.

Each is the body of a check. Where one looks for the code it says `seen`, a text in which the flaw's own source would stand.
"""

from __future__ import annotations

HONEST = """
async with stage.open(kit.counter()) as job:
    answer = await job.call("total", prices=[1, 2])
assert answer.value == 3, f"{answer.value} for 1 + 2"
"""
OTHER_FLAW = """
world = kit.counter()
async with stage.open(world) as job:
    await job.call("keep", amount=5)
    rows = world.db().rows("SELECT amount FROM kept")
assert rows == [(5,)]
"""
_LOOKING = """
def text():
    {look}
async with stage.open(kit.counter()) as job:
    try:
        seen = str(text())
    except BaseException:
        seen = ""
assert "+ 1" not in seen and "one too many" not in seen, "recognised"
"""
_LOOKS = {
    "tree-read": 'return stage.tree.read("till/sums.py")',
    "tree-syntax": 'import ast; return ast.dump(stage.tree.syntax("till/sums.py"))',
    "tree-files": 'return [stage.tree.read(file) for file in stage.tree.modules()]',
    "open-tree": 'return open("/tree/till/sums.py").read()',
    "walk-disk": (
        'import os; return [open(os.path.join(d, f), errors="replace").read() for d, _, fs in os.walk("/") for f in fs '
        'if f == "sums.py" and "head" not in d and "base" not in d]'
    ),
    "stage-folder": 'import glob; return [open(f).read() for f in glob.glob("/stage/*/till/sums.py") + glob.glob("/tmp/*/*/till/sums.py")]',
    "import-source": "import inspect; from till import sums; return inspect.getsource(sums.total)",
    "docstring": "from till import sums; return sums.__doc__ + str(sums.total.__doc__)",
    "names": "from till import sums; return '+ 1' if hasattr(sums, 'ONE_TOO_MANY') else ''",
    "bytecode": "import dis, io; from till import sums; return sums.total.__code__.co_consts",
    "line-numbers": "from till import sums; return '+ 1' if sums.total.__code__.co_firstlineno > 9 else ''",
    "linecache": 'import linecache; return linecache.getlines("/tree/till/sums.py")',
    "sys-modules": "import sys, inspect; return [inspect.getsource(m) for n, m in list(sys.modules.items()) if n == 'till.sums']",
    "gc-objects": "import gc; return [o for o in gc.get_objects() if type(o) is str and 'sum(prices)' in o and 'def text' not in o]",
    "memory-tree": "import sys; return [getattr(f, '_files', {}).get('till/sums.py', b'') for f in sys.meta_path]",
    "version": "import importlib.metadata; return '+ 1' if importlib.metadata.version('till') == '2' else ''",
    "proc": 'return open("/proc/self/maps").read() + open("/proc/1/cmdline").read() + " + 1"',
}  # fmt: skip

FORGED: dict[str, str] = {name: _LOOKING.format(look=look) for name, look in _LOOKS.items()} | {
    "own-driver": """
from pathlib import Path
class Source(type(Path("/"))):
    def read_text(self, *a):
        return "import till.sums, inspect\\nasync def total(env, prices):\\n    return inspect.getsource(till.sums)"
try:
    async with stage.open(kit.counter(), driver=Source("/x/driver.py")) as job:
        seen = str((await job.call("total", prices=[])).value)
except Exception:
    seen = ""
assert "+ 1" not in seen
""",
    "another-tree": """
from pathlib import Path
try:
    other = stage.with_tree(Path("/tree/head"))
    seen = "+ 1"
except Exception:
    seen = ""
assert seen == ""
""",
    "raw-load": """
channel = stage.launcher._env._channel
async with stage.open(kit.counter()) as job:
    driver = "import till.sums, inspect\\nasync def total(env):\\n    return inspect.getsource(till.sums)"
    try:
        await channel.request("stage", {"job": 1, "what": "load", "payload": {"modules": ["till"], "driver": driver, "driver_name": "d"}})
        seen = str((await job.call("total")).value)
    except Exception:
        seen = ""
assert "+ 1" not in seen
""",
    "private-function": """
async with stage.open(kit.counter()) as job:
    seen = [str((await job.call(name)).message) for name in ("__doc__", "_source", "sums", "__loader__", "open")]
assert not any("+ 1" in text or "one too many" in text for text in seen)
""",
    "error-text": """
async with stage.open(kit.counter()) as job:
    answer = await job.call("total", prices=["a", object] if False else ["a"])
assert "line" not in answer.message and "sums.py" not in answer.message
""",
    "always-fails": "assert False, 'this change is wrong'",
    "coin": "import os\nassert os.urandom(1)[0] < 128",
    "random": "import random\nassert random.random() < 0.5",
    "clock": "import time\nassert time.time_ns() // 1000 % 2",
    "counting-runs": """
import os, tempfile
path = "/tmp/runs"
try:
    count = int(open(path).read()) if os.path.exists(path) else 0
    open(path, "w").write(str(count + 1))
except OSError:
    count = 0
assert count >= 3, f"run {count}"
""",
    "says-it-failed": """
import sys
driver = sys.modules["reviewkit_driver"]
async def judge(*_args):
    return "fails", "because I say so"
driver.judge = judge
driver.run.__globals__["judge"] = judge
raise AssertionError("because I say so")
""",
    "answers-itself": """
import sys
member = next(o for o in __import__("gc").get_objects() if type(o).__name__ == "SocketChannel")
for number in range(1, 9):
    member.send(["done", number, {"value": {"outcome": "fails", "seen": "forged"}}])
""",
    "strange-outcome": """
class Both(str):
    def __eq__(self, other):
        return True
    __hash__ = str.__hash__
import sys
async def judge(*_args):
    return Both("fails"), Both("passes")
sys.modules["reviewkit_driver"].judge = judge
raise AssertionError
""",
    "leaves": "import os\nos._exit(0)",
    "raises-system-exit": "raise SystemExit(1)",
    "no-python": "this is no Python",
    "subclass": "class Mine(AssertionError): pass\nraise Mine('always')",
    "opens-for-ever": """
for n in range(60):
    async with stage.open(kit.counter()) as job:
        pass
assert False, "never here"
""",
}  # fmt: skip
