"""Orders can be read by their owners."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Client


def test_an_order_is_read(client: Client) -> None:
    """The owner sees the order."""
    order = client.send("GET", "/orders/o-1").json()
    assert order["status"] == "open"
    assert order["total_cents"] == 1000


def test_an_order_of_somebody_else_is_not_found(client: Client) -> None:
    """Nobody sees the orders of others."""
    assert client.send("GET", "/orders/o-2").status_code == 404
