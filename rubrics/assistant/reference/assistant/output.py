"""The only shapes in which the model's words get past the model client."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


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
