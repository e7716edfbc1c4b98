"""What goes in and out over HTTP."""

from __future__ import annotations

from typing import Any

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, StrictInt, StrictStr


class Attachment(BaseModel):
    """A text file that the customer added: an invoice, a saved page."""

    filename: str = Field(max_length=120)
    content: Base64Bytes

    def text(self) -> str:
        """Decode for reading; old invoices come in all kinds of encodings."""
        return self.content.decode("utf-8", errors="replace")


class Ask(BaseModel):
    """A customer's message.

    The chat widget repeats it under the same id when a connection breaks.
    """

    message_id: str = Field(min_length=1, max_length=64)
    message: str = Field(min_length=1, max_length=4000)
    attachments: list[Attachment] = Field(default=[], max_length=3)


class Answer(BaseModel):
    """What the customer sees."""

    reply: str
    sources: list[str] = []
    action: str | None = None
    handed_over: bool = False


class DeskRefund(BaseModel):
    """A refund that an agent books."""

    order_id: str
    amount_cents: int = Field(gt=0)
    reason: str = Field(max_length=200)


class Action(BaseModel):
    """What the model would like to be done."""

    name: StrictStr
    arguments: dict[str, Any]


class Output(BaseModel):
    """The model's answer; a JSON mode does not promise these fields."""

    reply: StrictStr = Field(min_length=1)
    action: Action | None = None


class RefundArguments(BaseModel):
    """Arguments of a refund."""

    model_config = ConfigDict(extra="forbid")

    order_id: StrictStr = Field(min_length=1, max_length=64)
    amount_cents: StrictInt = Field(gt=0, le=5000)


class EmailArguments(BaseModel):
    """Arguments of a mail."""

    model_config = ConfigDict(extra="forbid")

    to: StrictStr
    subject: StrictStr = Field(max_length=200)
    text: StrictStr = Field(max_length=8000)


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
