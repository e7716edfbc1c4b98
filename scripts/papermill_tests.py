"""Runs papermill's own execution tests, from its source distribution, with the engine in the place of a kernel.

    python scripts/papermill_tests.py [FOLDER of an unpacked source distribution] [-- options of pytest]

Without a folder the source distribution of the installed version is fetched into a temporary one. The tests themselves are
not part of this repository. `docs/engine.md` says which do not apply, and why.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = ("test_execute.py", "test_engines.py", "test_clientwrap.py", "test_autosave.py", "test_cli.py", "test_parameterize.py", "test_inspect.py")
NOT_APPLICABLE = (
    "test_execute.py::TestNotebookHelpers::test_start_timeout",
    "test_execute.py::TestNotebookHelpers::test_default_start_timeout",
    "test_execute.py::TestBrokenNotebook2::test",
)
PLUGIN = '''
import papermill.engines as engines
import pytest
from reviewkit.engine import NAME, ReviewkitEngine

for name in (None, NAME):
    engines.papermill_engines.register(name, ReviewkitEngine)


@pytest.fixture(autouse=True)
def keep_engine():
    """Tests of the register put papermill's own engine back into a register of their own."""
    yield
    assert engines.papermill_engines.get_engine() is ReviewkitEngine
'''


def source(folder: Path) -> Path:
    """papermill's sources, fetched."""
    wanted = f"papermill=={version('papermill')}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "papermill", wanted, "--dest", str(folder)]
    subprocess.run(command, check=True)
    (archive,) = folder.glob("papermill-*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return next(path for path in folder.glob("papermill-*") if path.is_dir())


def main() -> int:
    """The exit code of pytest."""
    arguments = sys.argv[1:]
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    own, options = arguments[:cut], arguments[cut + 1 :]
    with tempfile.TemporaryDirectory() as folder:
        tests = (Path(own[0]) if own else source(Path(folder))) / "papermill" / "tests"
        (Path(folder) / "reviewkit_default_engine.py").write_text(PLUGIN)
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), folder, str(tests.parents[1])])}
        command = [
            sys.executable, "-m", "pytest", "-p", "reviewkit_default_engine", "-p", "no:cacheprovider", "--no-header", "-q", "--rootdir", str(tests.parents[1]),
            *(str(tests / name) for name in FILES if (tests / name).exists()), *(f"--deselect=papermill/tests/{name}" for name in NOT_APPLICABLE), *options,
        ]  # fmt: skip
        return subprocess.run(command, cwd=tests.parents[1], env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
