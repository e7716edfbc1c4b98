"""Bodies of the requests that change stock."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

Name = Annotated[str, Field(min_length=1, max_length=40)]


class UnitsIn(BaseModel):
    """Units of one product; larger movements go through the back office."""

    product_id: Name
    quantity: Annotated[int, Field(ge=1, le=500)]


class OrderIn(BaseModel):
    """An order: every line leaves from the same location."""

    request_id: Name
    location: Name
    lines: Annotated[list[UnitsIn], Field(min_length=1, max_length=50)]


class RestockIn(UnitsIn):
    """A delivery that was put on a shelf."""

    location: Name


class HoldIn(UnitsIn):
    """Units to set aside."""

    customer_id: Name
    location: Name


class TransferIn(UnitsIn):
    """Units to send from one location to another."""

    source: Name
    destination: Name
