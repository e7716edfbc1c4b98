"""What goes in and out."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

Status = Literal["todo", "doing", "done"]


class TaskView(BaseModel):
    """A task as a board shows it."""

    id: str
    title: str
    details: str
    status: Status
    position: int
    version: int
    assignee_id: str | None
    assignee: str | None = None
    comments: int = 0


class NewTask(BaseModel):
    """A task to be made."""

    title: str = Field(min_length=1, max_length=200)
    details: str = Field(default="", max_length=20_000)


class TaskChange(BaseModel):
    """What to change; `version` is the one that the change was made on."""

    version: int
    title: str | None = Field(default=None, min_length=1, max_length=200)
    details: str | None = Field(default=None, max_length=20_000)
    status: Status | None = None
    position: int | None = None
    assignee_id: str | None = None
