"""Endpoints."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import APIRouter, BackgroundTasks, FastAPI, Request
from fastapi.responses import JSONResponse

from board import mail, service
from board.access import Actor, Session
from board.db import build_engine, build_sessions
from board.errors import RefusedError
from board.schemas import NewTask, TaskChange, TaskView

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from board.settings import Settings

router = APIRouter()


@router.get("/boards/{board_id}/tasks")
async def list_tasks(board_id: str, _actor: Actor, session: Session) -> list[TaskView]:
    """Show the tasks of a board."""
    return await session.run_sync(service.list_tasks, board_id)


@router.post("/boards/{board_id}/tasks", status_code=201)
async def create_task(board_id: str, new: NewTask, actor: Actor, session: Session) -> TaskView:
    """Make a task."""
    return await session.run_sync(service.create_task, board_id, actor, new)


@router.patch("/boards/{board_id}/tasks/{task_id}")
async def change_task(
    board_id: str,
    task_id: str,
    change: TaskChange,
    actor: Actor,
    session: Session,
    request: Request,
    later: BackgroundTasks,
) -> TaskView:
    """Change a task."""
    task = await session.run_sync(service.change_task, board_id, task_id, actor, change)
    if change.assignee_id is not None:
        url = request.app.state.settings.mailer_url
        later.add_task(mail.tell_assignee, url, change.assignee_id, task.title)
    return task


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
    app.state.engine = build_engine(settings)
    app.state.sessions = build_sessions(app.state.engine)
    app.add_exception_handler(RefusedError, refuse)
    app.include_router(router)
    return app
