"""Endpoints."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse

from board import mail
from board.access import Actor, Session, member_of
from board.db import build_engine, build_sessions
from board.errors import RefusedError
from board.live import Hub, latest
from board.schemas import NewTask, TaskChange, TaskView
from board.service import TaskService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from board.settings import Settings

router = APIRouter()
NOT_ALLOWED = 4403


def get_service(request: Request, session: Session) -> TaskService:
    """Make the service for a request."""
    return TaskService(session, request.app.state.hub)


Service = Annotated[TaskService, Depends(get_service)]


@router.get("/boards/{board_id}/tasks")
async def list_tasks(board_id: str, _actor: Actor, service: Service) -> list[TaskView]:
    """Show the tasks of a board."""
    return await service.list_tasks(board_id)


@router.post("/boards/{board_id}/tasks", status_code=201)
async def create_task(board_id: str, new: NewTask, actor: Actor, service: Service) -> TaskView:
    """Make a task."""
    return await service.create_task(board_id, actor, new)


@router.patch("/boards/{board_id}/tasks/{task_id}")
async def change_task(
    board_id: str,
    task_id: str,
    change: TaskChange,
    actor: Actor,
    service: Service,
    request: Request,
    later: BackgroundTasks,
) -> TaskView:
    """Change a task."""
    task = await service.change_task(board_id, task_id, actor, change)
    if change.assignee_id is not None:
        url = request.app.state.settings.mailer_url
        later.add_task(mail.tell_assignee, url, change.assignee_id, task.title)
    return task


@router.websocket("/boards/{board_id}/live")
async def live(socket: WebSocket, board_id: str, since: int | None = None) -> None:
    """Keep a member's page up to date until it goes; `since` is the number of what it has seen last."""
    async with socket.app.state.sessions() as session:
        actor = await member_of(session, board_id, socket.cookies.get("login"))
        last = await latest(session, board_id)
    if actor is None:
        await socket.close(NOT_ALLOWED)
        return
    hub: Hub = socket.app.state.hub
    await hub.serve(board_id, socket, last if since is None else since, last)


async def refuse(_request: Request, error: Exception) -> JSONResponse:
    """Answer what was refused."""
    status = error.status if isinstance(error, RefusedError) else 500
    return JSONResponse({"error": type(error).__name__}, status_code=status)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Tell viewers while the process runs; give connections back when it ends."""
    telling = asyncio.create_task(app.state.hub.run())
    yield
    telling.cancel()
    await app.state.engine.dispose()


def build_app(settings: Settings) -> FastAPI:
    """Put the service together."""
    app = FastAPI(lifespan=lifespan)
    app.state.settings = settings
    app.state.engine = build_engine(settings)
    app.state.sessions = build_sessions(app.state.engine)
    app.state.hub = Hub(app.state.sessions)
    app.add_exception_handler(RefusedError, refuse)
    app.include_router(router)
    return app
