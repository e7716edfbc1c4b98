"""How the board service is called. Runs beside the code under review."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import socket
import sys
import time
from typing import Any

import httpx
import structlog
from sqlalchemy import event

PACKAGE = "board"
TABLES = {"users", "logins", "boards", "members", "tasks", "comments", "activity"}
STEP_SECONDS = 0.05
QUIET_STEPS = 36
"""Steps in a row in which nothing comes, on a machine that keeps up, after which nothing is expected any more."""
LATE_SECONDS = 0.05
END_SECONDS = 1.0


# -- the service ------------------------------------------------------------------------------------------------------


class Process:
    """One process of the service: modules of its own, an app, and its start and end as a server would see to them."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]
        api = importlib.import_module(f"{PACKAGE}.api")
        self.models = importlib.import_module(f"{PACKAGE}.models")
        settings = importlib.import_module(f"{PACKAGE}.settings")
        self.app = api.build_app(settings.Settings(database_url=url, **options))
        event.listen(self.app.state.engine.sync_engine, "handle_error", _end_failed_commit)
        self.log = structlog.get_logger()
        self._ending = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Let the app start; it starts and ends in one task, as under a server."""
        started = asyncio.get_running_loop().create_future()

        async def live() -> None:
            async with self.app.router.lifespan_context(self.app):
                started.set_result(None)
                await self._ending.wait()

        life = asyncio.create_task(live())
        await asyncio.wait((started, life), return_when=asyncio.FIRST_COMPLETED)
        if life.done():
            life.result()
        self._life = life

    def prepare(self, connection: Any) -> None:
        """What a migration would do: make the indexes that this version asks for, and tables that are new."""
        for name, table in self.models.Base.metadata.tables.items():
            if name not in TABLES:
                table.create(connection)
                continue
            for index in table.indexes:
                index.create(connection)

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request or connection; an error that the app does not catch is noted, as servers do."""
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            self.log.error("server.failed", path=scope["path"], error=type(error).__name__, message=str(error)[:120])
            raise

    async def stop(self) -> None:
        """Let the app end."""
        self._ending.set()
        if self._life is not None:
            await self._life


def _end_failed_commit(context: Any) -> None:
    """A commit that fails ends its transaction, as on a server; SQLite would leave it open."""
    if context.statement is None and context.connection is not None:
        context.connection.connection.dbapi_connection.rollback()


async def setup(env: Any) -> None:
    """Start one process of the service on the world's database; its log goes to the world."""
    env.state.update(began=time.monotonic(), viewers={}, processes=[], servers=[], options={})

    def stamp(_logger: Any, _method: str, entry: Any) -> Any:
        return {"t": round(clock(env), 3), **entry}

    structlog.configure(processors=[structlog.processors.add_log_level, stamp, env.log_processor])
    first = await _process(env, 0)
    async with first.app.state.engine.begin() as connection:
        await connection.run_sync(first.prepare)


async def teardown(env: Any) -> None:
    """End what runs."""
    await _stop(env)


async def restart(env: Any, **options: Any) -> None:
    """Start the service again with other settings: `pool_size`, `max_overflow`, `pool_timeout`."""
    await _stop(env)
    env.state.update(viewers={}, processes=[], servers=[], options=options)
    await _process(env, 0)


async def _stop(env: Any) -> None:
    for server, serving in env.state["servers"]:
        server.should_exit = True
        await serving
    open_pages = [viewer.task for viewer in env.state["viewers"].values()]
    for page in open_pages:
        page.cancel()
    if open_pages:
        await asyncio.wait(open_pages, timeout=END_SECONDS)
    for process in env.state["processes"]:
        await process.stop()


async def _process(env: Any, number: int) -> Process:
    """The first or the second process; the second is started when it is first needed."""
    while len(env.state["processes"]) <= number:
        made = Process(env.database_url("main"), env.state["options"])
        env.state["processes"].append(made)
        await made.start()
    return env.state["processes"][number]


# -- requests ---------------------------------------------------------------------------------------------------------


async def tasks(env: Any, board: str = "b-1", user: str = "u-1", process: int = 0) -> Any:
    """Ask for the tasks of a board."""
    return await _send(env, "GET", f"/boards/{board}/tasks", None, user, process)


async def create(env: Any, title: str, board: str = "b-1", user: str = "u-1", process: int = 0, **fields: Any) -> Any:
    """Make a task."""
    return await _send(env, "POST", f"/boards/{board}/tasks", {"title": title, **fields}, user, process)


async def change(
    env: Any, version: int, task: str = "t-1", board: str = "b-1", user: str = "u-1", process: int = 0, **fields: Any
) -> Any:
    """Change a task: title, details, status, position, assignee_id."""
    body = {"version": version, **fields}
    return await _send(env, "PATCH", f"/boards/{board}/tasks/{task}", body, user, process)


async def in_use(env: Any, process: int = 0) -> int:
    """Connections that are out of the pool now."""
    return int((await _process(env, process)).app.state.engine.pool.checkedout())


def clock(env: Any) -> float:
    """Seconds since the start, as in the log."""
    return float(time.monotonic() - env.state["began"])


async def _send(env: Any, method: str, path: str, body: dict[str, Any] | None, user: str, process: int) -> dict[str, Any]:
    answer = (await _process(env, process)).answer
    transport = httpx.ASGITransport(app=answer, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://board", cookies={"login": f"c-{user}"}) as client:
        reply = await client.request(method, path, json=body)
    with contextlib.suppress(ValueError):
        return {"status": reply.status_code, "body": reply.json()}
    return {"status": reply.status_code, "body": reply.text}


# -- viewers: the other end of a WebSocket, in this process ------------------------------------------------------------


class Viewer:
    """A browser with a board open. Can be made to stop taking what it is sent, to be gone, and to leave."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.waiting = 0
        """Messages that it is being sent and does not take."""
        self.code: int | None = None
        """Code that the service closed with; None while it is open."""
        self.is_in = False
        self.gone = False
        self.takes = asyncio.Event()
        self.takes.set()
        self.answered = asyncio.Event()
        self.news = asyncio.Event()
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._inbox.put_nowait({"type": "websocket.connect"})
        self.task: asyncio.Task[None]

    def start(self, app: Any, path: str, query: str, cookie: str | None) -> None:
        """Connect."""
        headers = [(b"host", b"board"), *([(b"cookie", f"login={cookie}".encode())] if cookie else [])]
        scope = {
            "type": "websocket", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "scheme": "ws",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "headers": headers,
            "client": ("viewer", 1), "server": ("board", 80), "subprotocols": [], "state": {}, "extensions": {},
        }  # fmt: skip
        self.task = asyncio.create_task(self._run(app, scope))

    async def _run(self, app: Any, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._inbox.get, self.send)
        finally:
            self.code = 1006 if self.code is None else self.code
            self._tell()

    def _tell(self) -> None:
        self.answered.set()
        self.news.set()

    async def send(self, message: dict[str, Any]) -> None:
        """What a server's `send` does: wait while the peer takes nothing, fail when it is gone."""
        kind = message["type"]
        if kind == "websocket.accept":
            self.is_in = True
            self._tell()
            return
        self.waiting += 1
        try:
            await self.takes.wait()
        finally:
            self.waiting -= 1
        if self.gone or self.code is not None:
            raise OSError("the peer is gone")
        if kind == "websocket.send":
            text = message.get("text")
            self.heard.append(json.loads(text if text is not None else message["bytes"]))
        elif kind == "websocket.close":
            self.code = int(message.get("code", 1000))
        self._tell()

    def leave(self) -> None:
        """Close the page: the service is told."""
        self.gone = True
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1001, "reason": ""})

    def vanish(self) -> None:
        """Lose the network: sending fails, and nobody has told the service."""
        self.gone = True


async def join(
    env: Any, name: str, board: str = "b-1", user: str | None = "u-1", query: str = "", process: int = 0
) -> bool:
    """Open a board's live page as a user (None: not logged in), with a query in its address; tell whether it was let in."""
    answer = (await _process(env, process)).answer
    viewer = env.state["viewers"][name] = Viewer()
    viewer.start(answer, f"/boards/{board}/live", query, user and f"c-{user}")
    await _until(viewer, lambda: viewer.answered.is_set())
    return viewer.is_in and viewer.code is None


async def heard(env: Any, name: str, least: int = 0) -> list[Any]:
    """What a viewer was told so far: once it has heard `least` messages, or nothing more comes."""
    viewer = env.state["viewers"][name]
    await _until(viewer, lambda: len(viewer.heard) >= least)
    return list(viewer.heard)


def stall(env: Any, name: str) -> None:
    """Let a viewer take nothing from now on; what is sent to it waits."""
    env.state["viewers"][name].takes.clear()


def go_on(env: Any, name: str) -> None:
    """Let a viewer take what it is sent again."""
    env.state["viewers"][name].takes.set()


def vanish(env: Any, name: str) -> None:
    """Let a viewer lose its network without a word."""
    env.state["viewers"][name].vanish()


def leave(env: Any, name: str) -> None:
    """Let a viewer close its page."""
    env.state["viewers"][name].leave()


async def is_held(env: Any, name: str) -> bool:
    """Whether a viewer that takes nothing is being sent something; waits for it a while."""
    viewer = env.state["viewers"][name]
    await _until(viewer, lambda: viewer.waiting > 0)
    return bool(viewer.waiting)


async def ended(env: Any, name: str) -> int | None:
    """The code that a viewer's connection ended with; None while it is open. Waits for the end a while."""
    viewer = env.state["viewers"][name]
    await _until(viewer, lambda: viewer.task.done())
    return viewer.code if viewer.task.done() else None


async def _until(viewer: Viewer, enough: Any) -> None:
    """Wait for it, or until nothing new has come for a while of a machine that keeps up."""
    quiet, loop = 0, asyncio.get_running_loop()
    while not enough() and quiet < QUIET_STEPS and not (viewer.task.done() and viewer.code is not None):
        viewer.news.clear()
        due = loop.time() + STEP_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await viewer.news.wait()
        if viewer.news.is_set():
            quiet = 0
        elif loop.time() - due < LATE_SECONDS:
            quiet += 1


# -- a real server, for browsers on this machine -----------------------------------------------------------------------


async def serve(env: Any, process: int = 0, buffer: int = 0) -> int:
    """Let uvicorn serve a process on a free port of this machine; return the port.

    `buffer` bounds what the system keeps of a connection that takes nothing, in bytes.
    """
    import uvicorn

    app = (await _process(env, process)).app
    listening = socket.create_server(("127.0.0.1", 0))
    if buffer:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    config = uvicorn.Config(
        app, ws="websockets-sansio", lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0)
    env.state["servers"].append((server, serving))
    return int(listening.getsockname()[1])
