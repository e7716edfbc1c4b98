"""The papermill engine: a notebook like a kernel's, dead kernels and timeouts as papermill tells them, nothing left behind."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import papermill
import pytest
from engine_cells import comparable, every_kind, notebook
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import reads as read
from papermill.engines import papermill_engines
from test_cli import ROOT
from test_sandbox import gone, soon

from reviewkit.engine import NAME, ReviewkitEngine
from reviewkit.engine.managed import own_kernel
from reviewkit.engine.owner import EngineError, ForkServer
from reviewkit.engine.wire import Unpacker, packed

pytestmark = pytest.mark.kernel
CELL_SECONDS = 90
"""What a cell of a test may take on a busy machine."""


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """One fork server for all tests."""
    papermill_engines.register(NAME, ReviewkitEngine)
    started = ForkServer((), tmp_path_factory.mktemp("engine") / "log")
    yield started
    started.close()


@pytest.fixture
def run(server: ForkServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    def execute(*sources: str, **options: Any) -> Any:
        monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)  # kernels capture no descriptors while it is set
        return papermill.execute_notebook(notebook(*sources), None, engine_name=NAME, progress_bar=False, server=server, **options)

    return execute


def texts(cell: Any) -> str:
    return "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def executed(made: Any, path: Path, engine: str | None, **options: Any) -> None:
    """Execute a notebook; a kernel that hangs is given up for another: a cell may fork while a thread of ipykernel's holds a lock."""
    for last in (True,) if engine == NAME else (False, False, True):
        try:
            papermill.execute_notebook(
                copy.deepcopy(made), path, engine_name=engine, progress_bar=False, execution_timeout=CELL_SECONDS, **options
            )
            return
        except CellTimeoutError:
            if last:
                raise


def test_a_notebook_equals_a_kernels_cell_by_cell(server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of cell, errors included: the notebook that papermill leaves, and what it raises."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    made, left, raised = every_kind(), {}, {}
    for engine, options in ((None, {}), (NAME, {"server": server})):
        path = tmp_path / f"{engine}.ipynb"
        with pytest.raises(papermill.PapermillExecutionError) as error:
            executed(made, path, engine, **options)
        left[engine], raised[engine] = json.loads(path.read_text("utf-8")), comparable(str(error.value))
    kernels, forks = left[None], left[NAME]
    for expected, seen in zip(kernels["cells"], forks["cells"], strict=True):
        assert comparable(seen) == comparable(expected), expected["source"]
        assert set(seen["metadata"].get("execution", {})) == set(expected["metadata"].get("execution", {}))
        assert set(seen["metadata"].get("papermill", {})) == set(expected["metadata"].get("papermill", {}))
    assert comparable(forks["metadata"]) == comparable(kernels["metadata"])
    assert raised[NAME] == raised[None]
    assert sum(bool(cell.get("outputs")) for cell in forks["cells"]) > 50


def test_each_notebook_begins_afresh(run: Any, server: ForkServer) -> None:
    """Variables, folder, environment, imports and random numbers of one are not those of the next."""
    look = "import os, random, sys\n'x' in globals(), os.getcwd(), os.environ.get('FOO'), 'ftplib' in sys.modules"
    first = run(look, "x = 1\nimport ftplib\nos.environ['FOO'] = '1'\nos.chdir('/')", "random.random()")
    second = run(look, "", "random.random()")
    assert texts(first.cells[0]) == texts(second.cells[0]) == f"(False, {str(Path.cwd())!r}, None, False)"
    assert texts(first.cells[2]) != texts(second.cells[2])


def test_parameters_folder_and_environment(run: Any, tmp_path: Path) -> None:
    done = run(f"import os\nos.getcwd() == {str(tmp_path)!r}, os.environ['FOO']", env={"FOO": "2"}, cwd=tmp_path)
    assert texts(done.cells[0]) == "(True, '2')"  # short, because IPython breaks lines by their length


@pytest.mark.parametrize("end", ["os._exit(1)", "os.kill(os.getpid(), 11)", "exit()\nawait asyncio.sleep(60)"])
def test_a_dead_kernel_is_told_as_papermill_tells_it(server: ForkServer, tmp_path: Path, end: str) -> None:
    """What was said before stays; a fork that the notebook left does not keep the kernel alive."""
    left = "if os.fork() == 0:\n    import time\n    time.sleep(600)"
    with pytest.raises(DeadKernelError, match="Kernel died"):
        papermill.execute_notebook(
            notebook("import asyncio, os", left, f"print('last words', flush=True)\n{end}", "1"), tmp_path / "out.ipynb",
            engine_name=NAME, progress_bar=False, server=server,
        )  # fmt: skip
    cells = json.loads((tmp_path / "out.ipynb").read_text("utf-8"))["cells"]
    assert cells[2]["outputs"][0]["text"] == ["last words\n"]
    assert [cell["metadata"]["papermill"]["status"] for cell in cells] == ["completed"] * 4
    assert cells[3]["execution_count"] is None


def test_a_cell_that_takes_too_long_ends_the_notebook_and_its_process(run: Any) -> None:
    with pytest.raises(CellTimeoutError):
        run("import os\nwhile True: os.getpid()", execution_timeout=1)


def test_an_interrupt_tears_no_message(server: ForkServer, tmp_path: Path) -> None:
    """While output pours out; it is an error of the cell, and the kernel goes on."""
    flood = "import os, threading\nthreading.Timer(0.1, os.kill, (os.getpid(), 2)).start()\nwhile True: print('x' * 1000)"
    path = tmp_path / "out.ipynb"
    with pytest.raises(papermill.PapermillExecutionError, match="KeyboardInterrupt"):
        papermill.execute_notebook(
            notebook(flood, "1 + 1", tags=("raises-exception",)), path, engine_name=NAME, progress_bar=False, server=server
        )
    cells = [cell for cell in read(path.read_text("utf-8"), as_version=4).cells if cell.cell_type == "code"]
    assert set(texts(cells[0])) == {"x", "\n"}
    assert texts(cells[1]) == "2"


def test_a_timeout_can_interrupt_the_cell_alone(run: Any) -> None:
    wait = "import time\ntry: time.sleep(600)\nexcept KeyboardInterrupt: print('interrupted')"
    done = run(wait, "1 + 1", execution_timeout=1, interrupt_on_timeout=True)
    assert [texts(cell) for cell in done.cells] == ["interrupted\n", "2"]


def test_output_beyond_every_buffer_arrives(run: Any) -> None:
    """Of Python, of another process, and of a widget that answers each line with all lines so far."""
    widget = "from ipywidgets import Output\no = Output()\nwith o:\n    for n in range(60):\n        print('y' * 5000, flush=True)"
    pipe = "import subprocess\nsubprocess.run(['head', '-c', '1000000', '/dev/zero'])"
    done = run("print('x' * 3_000_000)", pipe + ";", widget)
    assert texts(done.cells[0]) == "x" * 3_000_000 + "\n"
    assert texts(done.cells[1]) == "\0" * 1_000_000
    (kept,) = (w for w in done.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values() if w["model_name"] == "OutputModel")
    assert "".join(output["text"] for output in kept["state"]["outputs"]) == ("y" * 5000 + "\n") * 60


def test_output_of_descriptors_keeps_its_place_between_printed_lines(run: Any) -> None:
    done = run("import os\nprint('first')\nos.write(1, b'second \\xc3')\nos.write(1, b'\\xa9\\n')\nprint('third')\nos.system('echo fourth');")
    assert texts(done.cells[0]) == "first\nsecond \u00e9\nthird\nfourth\n"


def test_text_that_no_message_can_carry_ends_nothing(run: Any) -> None:
    done = run(r"print('\ud83d')", "1 + 1")
    assert texts(done.cells[1]) == "2"


def test_processes_that_a_notebook_leaves_end_with_it(run: Any) -> None:
    done = run("import os, subprocess\nos.getpid(), subprocess.Popen(['sleep', '600'], start_new_session=False).pid")
    assert soon(lambda: all(gone(pid) for pid in json.loads(texts(done.cells[0]).replace("(", "[").replace(")", "]"))))


def test_exit_functions_of_a_notebook_run(run: Any, tmp_path: Path) -> None:
    run(f"import atexit, pathlib\natexit.register(lambda: pathlib.Path({str(tmp_path)!r}, 'left').touch());")
    assert (tmp_path / "left").exists()


def test_threads_run_notebooks_side_by_side(run: Any) -> None:
    """Each waits for a file that the other writes."""
    done: dict[str, Any] = {}

    def work(mine: str, others: str) -> None:
        wait = f"open('{mine}', 'w').close()\nimport os, time\nwhile not os.path.exists('{others}'): time.sleep(0.01)\n'{mine}'"
        done[mine] = run(wait, execution_timeout=60)

    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"reviewkit-engine-{os.getpid()}"
    names = [f"{folder}-{n}" for n in range(2)]
    threads = [threading.Thread(target=work, args=(a, b)) for a, b in (names, names[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in names:
        Path(name).unlink()
        assert texts(done[name].cells[0]) == repr(name)


def test_a_server_that_is_killed_takes_its_kernels_along_and_is_replaced(run: Any, server: ForkServer) -> None:
    pid = server._process.pid  # type: ignore[union-attr]
    with pytest.raises(DeadKernelError):
        run(f"import os, time\nos.kill({pid}, 9)\ntime.sleep(600)")
    assert texts(run("1 + 1").cells[0]) == "2"
    assert server._process.pid != pid  # type: ignore[union-attr]


OWNER = """
import papermill, sys
from papermill.engines import papermill_engines
from reviewkit.engine import NAME, ReviewkitEngine
papermill_engines.register(NAME, ReviewkitEngine)
sys.path.append(sys.argv[1])
from engine_cells import notebook
cell = "import os, subprocess, sys\\nprint(os.getpid(), os.getppid(), subprocess.Popen(['sleep', '600']).pid, flush=True)\\nwhile True: pass"
papermill.execute_notebook(notebook(cell), None, engine_name=NAME, progress_bar=False, stdout_file=sys.stdout)
"""


def test_nothing_outlives_an_owner_that_is_killed() -> None:
    command = [sys.executable, "-c", OWNER, str(ROOT / "tests")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        assert len(pids) == 3 and not any(map(gone, pids))
        owner.send_signal(signal.SIGKILL)
    assert soon(lambda: all(map(gone, pids)))


def test_modules_are_there_beforehand_and_must_not_start_threads(tmp_path: Path) -> None:
    made = notebook("import sys\n'ftplib' in sys.modules")
    before = ForkServer(("ftplib",))
    done = papermill.execute_notebook(made, None, engine_name=NAME, progress_bar=False, server=before)
    before.close()
    assert texts(done.cells[0]) == "True"
    with pytest.raises(EngineError, match="was ended"):
        papermill.execute_notebook(made, None, engine_name=NAME, progress_bar=False, server=before)
    refused = ForkServer(("concurrent.futures.thread", "made_thread"), tmp_path / "log")
    with pytest.MonkeyPatch.context() as patch:
        (tmp_path / "made_thread.py").write_text("import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
        with pytest.raises((RuntimeError, EngineError)):
            papermill.execute_notebook(made, None, engine_name=NAME, progress_bar=False, server=refused)
    assert "importing made_thread starts a thread" in (tmp_path / "log").read_text()


def test_what_is_made_ready_is_done_once_and_found_by_each(run: Any) -> None:
    """One server calls it once; a notebook that asks for nothing finds the same process; what fails harms none."""
    ready = ("builtins", "exec", "import sys; sys.made = [*getattr(sys, 'made', ()), 1]")
    look = "import sys\nsys.made"
    assert [texts(run(look, ready=asked).cells[0]) for asked in (ready, ready, (), ("builtins", "exec", "1 / 0"))] == ["[1]"] * 4


def test_notebooks_of_other_kernels_are_left_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, argv in (("other", ["/usr/bin/other", "-m", "ipykernel_launcher", "-f", "{connection_file}"]), ("more", [sys.executable, "-X", "dev"])):
        (tmp_path / "kernels" / name).mkdir(parents=True)
        spec = {"argv": argv, "display_name": name, "language": "python", "env": {"A": "1"}}
        (tmp_path / "kernels" / name / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    assert own_kernel("python3") is not None
    assert own_kernel("other") is None and own_kernel("more") is None
    with pytest.raises(NoSuchKernel):
        own_kernel("nobody")


def test_papermill_finds_the_engine_by_its_entry_point() -> None:
    (entry,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["papermill.engine"].items()
    module, _, name = entry[1].partition(":")
    assert (entry[0], getattr(import_module(module), name)) == (NAME, ReviewkitEngine)
    code = "from reviewkit.engine import ReviewkitEngine; import papermill.engines as e; assert issubclass(ReviewkitEngine, e.Engine)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_messages_in_pieces_are_put_together() -> None:
    frames = [[b"", b"a" * 300], [], [b"\0\xff"]]
    unpacker, taken = Unpacker(), []
    for byte in b"".join(packed(message) for message in frames):
        unpacker.feed(bytes([byte]))
        while (message := unpacker.take()) is not None:
            taken.append(message)
    assert taken == frames
