"""Serve one workbook: a fresh copy with a grant, in a Jupyter server of its own on this machine.

The server listens on 127.0.0.1 with a token, reads none of the user's Jupyter settings, and opens the workbook in a
workspace of its own, so that old tabs and a second window do not get into each other's way.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self
from urllib.parse import quote

from reviewkit import log
from reviewkit.bank import BANK_VARIABLE, RUBRICS_VARIABLE
from reviewkit.errors import DataError, GrantError, ServeError, printable
from reviewkit.grants import PARENT_VARIABLE, STATE_VARIABLE, Granted, Grants, issue, state_folder
from reviewkit.shareddocument import PAGE_OFF, SERVER_OFF
from reviewkit.trust import notary_of, sign

Front = Literal["lab", "notebook"]
"""JupyterLab in single-document mode, or Notebook 7."""

START_PATIENCE: Final = 90.0
"""Seconds until a server must answer; a cold start on a slow disk takes some 20."""
STOP_PATIENCE: Final = 10.0
"""Seconds for a clean stop, in which the server also ends its kernels."""
OUTPUT: Final = "server.log"
_MODULES: Final[dict[Front, str]] = {"lab": "jupyterlab", "notebook": "notebook"}
_SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "sanitizer": {"allowCommandLinker": False},
    "kernels-settings": {"commsOverSubshells": "disabled"},
}
"""Settings of `@jupyterlab/apputils-extension`: no news prompt, no text in a notebook triggers a command, and what a page
sends to its widgets is acted on in order. Over subshells, ipykernel 7.4 gives each widget's messages to the thread that the
widget answered to last, so that a click on a button can overtake what was typed into a field before it."""


@dataclass(kw_only=True)
class Server:
    """A running Jupyter server of our own. Use it as a context manager, or call `stop`."""

    label: str
    """Names it in the log."""
    token: str = field(repr=False)
    front: Front
    process: subprocess.Popen[bytes] = field(repr=False)
    private: Path = field(repr=False)
    """Folder of the server's own files; removed by `stop`."""
    port: int = 0
    _handlers: dict[int, Any] = field(default_factory=dict, repr=False)

    @property
    def base_url(self) -> str:
        """Root of the server, with a final slash."""
        return f"http://127.0.0.1:{self.port}/"

    def page(self, workspace: str, name: str) -> str:
        """Address of a notebook; holds the token, so it is for the person at this machine only."""
        where = f"doc/workspaces/rk-{workspace}/tree/" if self.front == "lab" else "notebooks/"
        return f"{self.base_url}{where}{quote(name)}?token={self.token}"

    def wait(self) -> int:
        """Wait until the server ends by itself; its exit code."""
        return self.process.wait()

    def stop(self) -> None:
        """End the server and its kernels, and remove its own files; may be called twice."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            log.get().info(log.SERVER_STOPPED, record=self.label, exit_code=self.process.returncode)
        shutil.rmtree(self.private, ignore_errors=True)

    def __enter__(self) -> Self:
        """Until `__exit__`, a signal to end this process stops the server first (in the main thread)."""
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}


@dataclass(kw_only=True)
class Served(Server):
    """A running server with one workbook."""

    granted: Granted

    @property
    def url(self) -> str:
        """Address of the workbook; see `page`."""
        return self.page(self.granted.grant.record, self.granted.notebook.name)


def serve(
    workbook: Path,
    *,
    folder: Path | None = None,
    candidate: str = "",
    preview: bool = False,
    front: Front = "lab",
    bank: Path | None = None,
) -> Served:
    """Make a fresh copy of a blank workbook, grant it, and start a server for it.

    Args:
        workbook: `notebooks/<slug>.ipynb` of a bank.
        folder: Where the copy and its journal go, made when missing; None is a temporary one that `Served.stop`
            removes, which only a preview may have.
        candidate: Opaque id; empty for practice.
        preview: True records nothing.
        front: What draws it.
        bank: Folder with `scenarios/` and `notebooks/`; by default the one that `workbook` lies in.

    Raises:
        DataError: If `workbook` is not a blank workbook.
        GrantError: If the copy or its grant could not be stored.
        ServeError: If the server does not start.
    """
    if folder is None and not preview:
        raise ServeError(
            "A workbook that is recorded needs a folder to keep the work in", "Name one, for example ./review."
        )
    private = private_folder()
    try:
        work = folder or private / "work"
        work.mkdir(parents=True, exist_ok=True)
        granted = issue(workbook, work, candidate=candidate, preview=preview)
        sign(granted.notebook, notary_of(data_folder()))
        log.get().info(log.WORKBOOK_ISSUED, slug=granted.grant.slug, record=granted.grant.record, preview=preview)
        return _start(granted, private, front, (bank or workbook.resolve().parent.parent).resolve())
    except OSError as error:
        shutil.rmtree(private, ignore_errors=True)
        raise ServeError(f"The workbook could not be prepared ({error.strerror})", "Choose another folder.") from error
    except BaseException:
        shutil.rmtree(private, ignore_errors=True)
        raise


def resume(notebook: Path, *, front: Front = "lab", bank: Path) -> Served:
    """Start a server for a workbook that this machine made before, with all its work.

    Args:
        notebook: The copy that `serve` made.
        front: What draws it.
        bank: Folder with `scenarios/` and `notebooks/`.

    Raises:
        DataError: If there is no such file.
        GrantError: If it was not made here.
        ServeError: If the server does not start.
    """
    if not notebook.is_file():
        raise DataError(str(notebook), "there is no such notebook", "Check the name, or open a fresh one.")
    grant = Grants().of(notebook)
    if grant is None:
        fact = "This notebook was not made by reviewkit on this machine, so it would not be recorded"
        raise GrantError(fact, "Open a fresh workbook of the same scenario.")
    private = private_folder()
    try:
        return _start(Granted(notebook.resolve(), grant), private, front, bank.resolve())
    except BaseException:
        shutil.rmtree(private, ignore_errors=True)
        raise


def _leave(number: int, _frame: object) -> None:
    """Turn a signal into an exception, so that the server is stopped on the way out."""
    raise SystemExit(128 + number)


def private_folder() -> Path:
    """A new folder for a server's own files, which only this user can enter."""
    return Path(tempfile.mkdtemp(prefix="reviewkit-"))


def _candidates_bank(bank: Path, slug: str, private: Path) -> Path:
    """A bank of one scenario for the candidate's kernel: a rubric that lies beside the real one is not next door to it."""
    made = private / "bank"
    kept = shutil.ignore_patterns("__pycache__", "*.pyc")
    if (bank / "scenarios" / slug).is_dir():
        shutil.copytree(bank / "scenarios" / slug, made / "scenarios" / slug, ignore=kept)
    else:
        (made / "scenarios").mkdir(parents=True)
    workbook = bank / "notebooks" / f"{slug}.ipynb"
    if workbook.is_file():
        (made / "notebooks").mkdir()
        shutil.copy2(workbook, made / "notebooks")
    return made


def _start(granted: Granted, private: Path, front: Front, bank: Path) -> Served:
    variables = {BANK_VARIABLE: str(_candidates_bank(bank, granted.grant.slug, private))}
    token, process = launch(private, granted.notebook.parent, front, variables, kernel_extension="reviewkit.workbook")
    served = Served(
        label=granted.grant.record, token=token, front=front, process=process, private=private, granted=granted
    )
    path = f"reviewkit/api/grant?path={quote(granted.notebook.name)}"
    bring_up(served, path, lambda answer: answer.get("record") == granted.grant.record)
    return served


def launch(
    private: Path, root: Path, front: Front, variables: Mapping[str, str], kernel_extension: str = ""
) -> tuple[str, subprocess.Popen[bytes]]:
    """Start a Jupyter server with none of the user's own settings; its token and process.

    Args:
        private: Folder for the server's own files.
        root: The one folder that it shows.
        front: What draws notebooks.
        variables: Of the environment, beside the caller's; the place of rubrics is passed on only when named here.
        kernel_extension: Module that kernels load as they start.
    """
    token = secrets.token_urlsafe(24)
    _write_settings(private, root, token, front, kernel_extension)
    with (private / OUTPUT).open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", _MODULES[front]],
            env=_environment(private, variables),
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return token, process


def bring_up(server: Server, path: str, is_ours: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until a server answers; one that does not is stopped.

    Args:
        server: Just launched.
        path: Address below its root that answers with a JSON object.
        is_ours: Whether this is the answer that is waited for.

    Raises:
        ServeError: If it does not start.
    """
    started = time.monotonic()
    try:
        server.port = _wait_for_port(server.process, server.private)
        _wait_for_answer(server, path, is_ours)
    except BaseException as error:
        said = _last_words(server.private / OUTPUT)
        server.stop()
        if isinstance(error, ServeError):
            raise ServeError(error.fact + (f": {said}" if said else ""), error.next_step) from None
        raise
    log.get().info(
        log.SERVER_STARTED,
        record=server.label,
        front=server.front,
        port=server.port,
        elapsed_ms=round(1000 * (time.monotonic() - started)),
    )


def data_folder() -> Path:
    """Jupyter's data folder for served workbooks: it keeps signatures, so that work taken up again is still trusted."""
    return state_folder().resolve() / "jupyter"


def _write_settings(private: Path, root: Path, token: str, front: Front, kernel_extension: str) -> None:
    """Configuration of the server: in a file, because words of a command line are visible to every user."""
    left_out = of_the_image("server-config.json")
    config: dict[str, Any] = {
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": 0,
            "open_browser": False,
            "root_dir": str(root.resolve()),
            "jpserver_extensions": {**left_out["ServerApp"]["jpserver_extensions"], "reviewkit": True, _MODULES[front]: True, **SERVER_OFF},
            # Jupyter refuses root, which is who runs in many containers; nothing outside this machine can connect.
            "allow_root": hasattr(os, "geteuid") and os.geteuid() == 0,
        },
        "IdentityProvider": {"token": token},
        "LabApp": {
            "news_url": None, "check_for_updates_class": "jupyterlab.NeverCheckForUpdate", "extension_manager": "readonly",
        },
    }  # fmt: skip
    _write_json(private / "config" / "jupyter_server_config.json", config)
    _write_json(private / "config" / "labconfig" / "page_config.json", _page_settings())
    for name, settings in _SETTINGS.items():
        file = private / "settings" / "@jupyterlab" / "apputils-extension" / f"{name}.jupyterlab-settings"
        _write_json(file, settings)
    kernel = {"InteractiveShellApp": {"extensions": [kernel_extension] if kernel_extension else []}}
    _write_json(private / "ipython" / "profile_default" / "ipython_kernel_config.json", kernel)


def of_the_image(name: str) -> dict[str, Any]:
    """Settings of the candidate's image."""
    settings: dict[str, Any] = json.loads((files("reviewkit") / "data" / "image" / name).read_text("utf-8"))
    return settings


def _page_settings() -> dict[str, Any]:
    """What the page leaves out, as in the image: formulas, language servers, asking whether something is to be built; and sharing."""
    page = of_the_image("lab-page.json")
    return {**page, "disabledExtensions": {**page["disabledExtensions"], **PAGE_OFF}}


def _write_json(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(content, indent=1), "utf-8")


def _environment(private: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment with every folder of Jupyter's own state replaced."""
    return {
        **{name: value for name, value in os.environ.items() if name != RUBRICS_VARIABLE},
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTER_DATA_DIR": str(data_folder()),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
        "IPYTHONDIR": str(private / "ipython"),
        STATE_VARIABLE: str(state_folder().resolve()),
        PARENT_VARIABLE: str(os.getpid()),
        **variables,
    }


def _wait_for_port(process: subprocess.Popen[bytes], private: Path) -> int:
    """Port that the system gave, from the file that the server writes."""
    info = private / "runtime" / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline:
        _still_runs(process)
        try:
            return int(json.loads(info.read_bytes())["port"])
        except (FileNotFoundError, ValueError):  # not there yet, or half written
            time.sleep(0.1)
    raise ServeError(f"The Jupyter server did not start within {START_PATIENCE:g} seconds", _TRY)


def _wait_for_answer(server: Server, path: str, is_ours: Callable[[dict[str, Any]], bool]) -> None:
    """Wait until a route of the server gives the answer that is ours."""
    request = urllib.request.Request(f"{server.base_url}{path}", headers={"Authorization": f"token {server.token}"})  # noqa: S310
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_PATIENCE
    while time.monotonic() < deadline:
        _still_runs(server.process)
        try:
            with direct.open(request, timeout=10) as answer:
                if is_ours(json.load(answer)):
                    return
        except urllib.error.HTTPError as error:
            error.close()
            fact = f"The Jupyter server runs without reviewkit's extension (it answered {error.code})"
            raise ServeError(fact, "Check with: jupyter server extension list") from None
        except (OSError, ValueError):
            time.sleep(0.1)
    raise ServeError(f"The Jupyter server did not answer within {START_PATIENCE:g} seconds", _TRY)


_TRY: Final = "Try again; if it happens again, start `jupyter lab` by itself and read what it says."


def _still_runs(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        raise ServeError(f"The Jupyter server ended while it started (exit code {process.returncode})", _TRY)


def _last_words(output: Path) -> str:
    """Last line that the server wrote, safe for a terminal."""
    lines = output.read_text("utf-8", "replace").strip().splitlines()
    return printable(lines[-1].strip())[:300] if lines else ""
