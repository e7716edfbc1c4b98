"""What goes in and out over HTTP, the model's words included."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field


LONGEST_FILE = 32_000
"""Bytes that are read of a file; a prompt has no room for more."""


class Attachment(BaseModel):
    """A text file that the customer added: an invoice, a saved page."""

    filename: str = Field(max_length=120)
    content: Base64Bytes

    def text(self) -> str:
        """Decode for reading; old invoices come in all kinds of encodings."""
        return self.content[:LONGEST_FILE].decode("utf-8", errors="replace")


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


class Exact(BaseModel):
    """No conversion and no further fields."""

    model_config = ConfigDict(strict=True, extra="forbid")


class RefundArguments(Exact):
    """What a refund needs; whether it is due is decided elsewhere."""

    order_id: str = Field(pattern=r"^o-[0-9]{1,12}$")
    amount_cents: int = Field(gt=0)


class EmailArguments(Exact):
    """A mail to the customer."""

    to: str = Field(max_length=320)
    subject: str = Field(max_length=200)
    text: str = Field(max_length=4000)


class Refund(Exact):
    """The model suggests a refund."""

    name: Literal["refund"]
    arguments: RefundArguments


class Email(Exact):
    """The model suggests a mail."""

    name: Literal["email"]
    arguments: EmailArguments


Action = Annotated[Refund | Email, Field(discriminator="name")]


class Output(BaseModel):
    """One answer; a further field beside these is of no interest."""

    model_config = ConfigDict(strict=True)

    reply: str = Field(min_length=1, max_length=4000)
    action: Action | None = None
