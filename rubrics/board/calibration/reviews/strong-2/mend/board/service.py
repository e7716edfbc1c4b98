"""Tasks: listing, making, changing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from board import mail
from board.errors import ConflictError, NotFoundError, UnknownPersonError
from board.models import Activity, Board, Comment, Task, User
from board.schemas import NewTask, TaskChange, TaskView

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from board.live import Hub

FIELDS = ("id", "title", "details", "status", "position", "version", "assignee_id")


def view(task: Task, assignee: str | None = None, comments: int = 0) -> TaskView:
    """Return a task as a board shows it."""
    shown: dict[str, Any] = {name: getattr(task, name) for name in FIELDS}
    return TaskView(**shown, assignee=assignee, comments=comments)


class TaskService:
    """What can be done with tasks; made for each request."""

    def __init__(self, session: AsyncSession, hub: Hub, mailer_url: str) -> None:
        self._session = session
        self._hub = hub
        self._mailer_url = mailer_url

    async def list_tasks(self, board_id: str) -> list[TaskView]:
        """Return all tasks of a board in their order."""
        query = select(Task).where(Task.board_id == board_id).order_by(Task.position)
        return [await self._shown(task) for task in await self._session.scalars(query)]

    async def _shown(self, task: Task) -> TaskView:
        """Return a task with the assignee's name and the number of comments."""
        assignee = await self._session.get(User, task.assignee_id) if task.assignee_id else None
        count = select(func.count()).where(Comment.task_id == task.id)
        comments = await self._session.scalar(count)
        return view(task, assignee.name if assignee else None, comments or 0)

    async def create_task(self, board_id: str, actor: str, new: NewTask) -> TaskView:
        """Put a task at the end of a board."""
        last = await self._session.scalar(select(func.max(Task.position)).where(Task.board_id == board_id))
        task = Task(id=uuid4().hex, board_id=board_id, position=(last or 0) + 1, **new.model_dump())
        self._session.add(task)
        await self._session.flush()
        return await self._keep("task.created", actor, task)

    async def change_task(self, board_id: str, task_id: str, actor: str, change: TaskChange) -> TaskView:
        """Change a task, unless somebody else was faster."""
        mine = select(Task).where(Task.id == task_id, Task.board_id == board_id)
        claimed = await self._session.execute(
            update(Task)
            .where(Task.id == task_id, Task.board_id == board_id, Task.version == change.version)
            .values(version=Task.version + 1)
        )
        task = await self._session.scalar(mine)
        if task is None:
            raise NotFoundError(task_id)
        if claimed.rowcount == 0:
            raise ConflictError(task_id)
        for name, value in change.model_dump(exclude={"version"}, exclude_unset=True).items():
            setattr(task, name, value)
        shown = await self._keep("task.changed", actor, task)
        if change.assignee_id is not None:
            await asyncio.to_thread(mail.tell_assignee, self._mailer_url, change.assignee_id, task.title)
        return shown

    async def _keep(self, kind: str, actor: str, task: Task) -> TaskView:
        """Note what happened, tell the viewers and commit."""
        shown = await self._shown(task)
        seq = await self._session.scalar(
            update(Board).where(Board.id == task.board_id).values(seq=Board.seq + 1).returning(Board.seq)
        )
        await self._session.execute(
            insert(Activity).values(board_id=task.board_id, seq=seq, actor_id=actor, task=shown.model_dump_json())
        )
        try:
            await self._session.commit()
        except IntegrityError as error:
            raise UnknownPersonError(task.assignee_id) from error
        self._hub.publish(task.board_id, {"type": kind, "task": shown.model_dump()})
        return shown
