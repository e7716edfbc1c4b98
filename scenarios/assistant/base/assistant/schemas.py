"""What goes in and out over HTTP."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Ask(BaseModel):
    """A customer's message.

    The chat widget repeats it under the same id when a connection breaks.
    """

    message_id: str = Field(min_length=1, max_length=64)
    message: str = Field(min_length=1, max_length=4000)


class Answer(BaseModel):
    """What the customer sees."""

    reply: str
    sources: list[str] = []
    handed_over: bool = False


class DeskRefund(BaseModel):
    """A refund that an agent books."""

    order_id: str
    amount_cents: int = Field(gt=0)
    reason: str = Field(max_length=200)


class Article(BaseModel):
    """An article of the help centre, with the comments that customers left under it."""

    id: str
    title: str
    body: str
    comments: list[str] = []


HANDOVER = Answer(
    reply="I have passed your message to a colleague. You will hear from us today.",
    handed_over=True,
)
