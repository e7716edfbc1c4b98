"""Tables."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of all tables."""


class User(Base):
    """Somebody who can log in."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))


class Login(Base):
    """A browser that somebody is logged in with: the value of its cookie."""

    __tablename__ = "logins"

    cookie: Mapped[str] = mapped_column(String(80), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))


class Board(Base):
    """A board; `seq` counts what happened on it."""

    __tablename__ = "boards"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    seq: Mapped[int] = mapped_column(default=0)


class Member(Base):
    """Who may see and change a board."""

    __tablename__ = "members"

    board_id: Mapped[str] = mapped_column(ForeignKey("boards.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)


class Task(Base):
    """A task on a board."""

    __tablename__ = "tasks"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    board_id: Mapped[str] = mapped_column(ForeignKey("boards.id"))
    title: Mapped[str] = mapped_column(String(200))
    details: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String(10), default="todo")
    position: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    # Checked at the end: the importer writes tasks before people.
    assignee_id: Mapped[str | None] = mapped_column(
        ForeignKey("users.id", deferrable=True, initially="DEFERRED")
    )


class Comment(Base):
    """A remark on a task."""

    __tablename__ = "comments"
    __table_args__ = (Index("ix_comments_task", "task_id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("tasks.id"))
    text: Mapped[str] = mapped_column(Text)


class Activity(Base):
    """What happened on a board, in order: the task as it was then, as JSON."""

    __tablename__ = "activity"

    board_id: Mapped[str] = mapped_column(ForeignKey("boards.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    task: Mapped[str] = mapped_column(Text)
