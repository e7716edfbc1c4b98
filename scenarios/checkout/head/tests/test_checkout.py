"""Orders are paid for at checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checkout.api import get_gateway
from checkout.payments import Charge, GatewayError, PaymentDeclinedError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from checkout.models import Order, Payment
    from tests.conftest import Client


class FakeGateway:
    """A gateway that does as it is told."""

    problem: Exception | None = None

    async def charge(self, order: Order, _card: str) -> Charge:
        """Take the money, or fail."""
        if self.problem is not None:
            raise self.problem
        return Charge(id="ch-1", amount_cents=order.total_cents)


class FakeReceipts:
    """A receipt service that sends nothing."""

    async def send(self, order: Order, payment: Payment) -> None:
        """Forget the receipt."""


@pytest.fixture(autouse=True)
def gateway(app: FastAPI) -> FakeGateway:
    """Put fakes in the place of the outside services."""
    fake = FakeGateway()
    app.dependency_overrides[get_gateway] = lambda: fake
    app.state.receipts = FakeReceipts()
    return fake


def pay(client: Client, order_id: str) -> int:
    """Pay for an order and return the status code."""
    reply = client.send("POST", f"/orders/{order_id}/checkout", json={"card": "tok-1"})
    return reply.status_code


def test_an_order_is_paid(client: Client) -> None:
    """The gateway takes the money."""
    assert pay(client, "o-1") == 200


def test_a_paid_order_is_not_charged_again(client: Client) -> None:
    """Asking twice is fine."""
    assert pay(client, "o-1") == 200
    assert pay(client, "o-1") == 200


def test_a_declined_card_is_reported(client: Client, gateway: FakeGateway) -> None:
    """The shop front can ask for another card."""
    gateway.problem = PaymentDeclinedError("insufficient funds")
    assert pay(client, "o-1") == 402


def test_a_failing_gateway_is_reported(client: Client, gateway: FakeGateway) -> None:
    """The shop front can ask to try again."""
    gateway.problem = GatewayError("503")
    assert pay(client, "o-1") == 502
