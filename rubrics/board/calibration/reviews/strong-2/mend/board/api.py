"""Endpoints."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from board.access import Actor, Session, member_of
from board.db import build_engine, build_sessions
from board.errors import RefusedError
from board.live import Hub
from board.schemas import NewTask, TaskChange, TaskView
from board.service import TaskService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from board.settings import Settings

router = APIRouter()
NO_BOARD = 4404


def get_service(request: Request, session: Session) -> TaskService:
    """Make the service for a request."""
    state = request.app.state
    return TaskService(session, state.hub, state.settings.mailer_url)


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
    board_id: str, task_id: str, change: TaskChange, actor: Actor, service: Service
) -> TaskView:
    """Change a task."""
    return await service.change_task(board_id, task_id, actor, change)


@router.websocket("/boards/{board_id}/live")
async def live(socket: WebSocket, board_id: str) -> None:
    """Keep a viewer up to date until it goes."""
    async with socket.app.state.sessions() as session:
        actor = await member_of(session, board_id, socket.cookies.get("login"))
    if actor is None:
        await socket.close(NO_BOARD)
        return
    hub: Hub = socket.app.state.hub
    viewer = await hub.join(board_id, socket)
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        pass
    finally:
        hub.leave(board_id, viewer)


async def refuse(_request: Request, error: Exception) -> JSONResponse:
    """Answer what was refused."""
    status = error.status if isinstance(error, RefusedError) else 500
    return JSONResponse({"error": type(error).__name__}, status_code=status)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Give connections back when the process ends."""
    yield
    await app.state.engine.dispose()


def build_app(settings: Settings) -> FastAPI:
    """Put the service together."""
    app = FastAPI(lifespan=lifespan)
    app.state.settings = settings
    app.state.hub = Hub()
    app.state.engine = build_engine(settings)
    app.state.sessions = build_sessions(app.state.engine)
    app.add_exception_handler(RefusedError, refuse)
    app.include_router(router)
    return app
