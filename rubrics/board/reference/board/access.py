"""Who is asking, and may they?"""

from __future__ import annotations

from typing import Annotated

from fastapi import Cookie, Depends, HTTPException
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from board.db import get_session
from board.models import Login, Member

Session = Annotated[AsyncSession, Depends(get_session)]


async def member_of(session: AsyncSession, board_id: str, cookie: str | None) -> str | None:
    """Return the id of whoever has this cookie, if they are a member of the board."""
    logged_in = select(Member.user_id).join(Login, Login.user_id == Member.user_id)
    return await session.scalar(
        logged_in.where(Login.cookie == cookie, Member.board_id == board_id)
    )


async def get_actor(
    board_id: str, session: Session, login: Annotated[str | None, Cookie()] = None
) -> str:
    """Return the id of the member who asks; everybody else is refused."""
    actor = await member_of(session, board_id, login)
    if actor is None:
        raise HTTPException(403, detail="Not a member of this board")
    return actor


Actor = Annotated[str, Depends(get_actor)]
