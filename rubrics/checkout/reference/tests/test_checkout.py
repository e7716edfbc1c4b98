"""Orders are paid for at checkout."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import select

from checkout.models import Payment
from checkout.payments import Charge, GatewayError, PaymentDeclinedError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from checkout.models import Order
    from tests.conftest import Client


class FakeGateway:
    """A gateway that does as it is told and remembers the keys it was given."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.problem: Exception | None = None
        self.captured = True
        self.keys: list[str] = []

    async def charge(self, order: Order, _card: str, key: str) -> Charge:
        """Take the money, or fail."""
        self.keys.append(key)
        if self.problem is not None:
            raise self.problem
        return Charge("ch-1", order.total_cents, self.captured)


class FakeReceipts:
    """A receipt service that keeps what it is sent."""

    def __init__(self) -> None:
        """Have sent nothing yet."""
        self.sent: list[str] = []
        self.broken = False

    async def send(self, order: Order, _payment: Payment) -> None:
        """Keep the receipt, or fail."""
        if self.broken:
            message = "mail queue full"
            raise httpx.ConnectError(message)
        self.sent.append(order.id)


@pytest.fixture
def gateway(app: FastAPI) -> FakeGateway:
    """Put a fake in the place of the gateway."""
    app.state.gateway = FakeGateway()
    return app.state.gateway


@pytest.fixture
def receipts(app: FastAPI) -> FakeReceipts:
    """Put a fake in the place of the receipt service."""
    app.state.receipts = FakeReceipts()
    return app.state.receipts


def pay(client: Client, order_id: str = "o-1") -> int:
    """Pay for an order and return the status code."""
    reply = client.send("POST", f"/orders/{order_id}/checkout", json={"card": "tok-1"})
    return reply.status_code


def status(client: Client) -> str:
    """Return the status of the order."""
    return client.send("GET", "/orders/o-1").json()["status"]


def payments(app: FastAPI) -> list[tuple[str, str | None]]:
    """Return status and charge of each stored payment."""

    async def read() -> list[tuple[str, str | None]]:
        async with app.state.sessions() as session:
            stored = (await session.execute(select(Payment))).scalars()
            return [(payment.status, payment.charge_id) for payment in stored]

    return asyncio.run(read())


def test_an_order_is_paid(
    client: Client,
    app: FastAPI,
    gateway: FakeGateway,
    receipts: FakeReceipts,
) -> None:
    """The gateway takes the money, the books say so, the customer is told."""
    assert pay(client) == 200
    assert status(client) == "paid"
    assert payments(app) == [("captured", "ch-1")]
    assert len(gateway.keys) == 1
    assert receipts.sent == ["o-1"]


@pytest.mark.usefixtures("receipts")
def test_a_paid_order_is_not_charged_again(
    client: Client,
    gateway: FakeGateway,
) -> None:
    """Asking twice asks the gateway once."""
    assert [pay(client), pay(client)] == [200, 200]
    assert len(gateway.keys) == 1


@pytest.mark.usefixtures("receipts")
def test_a_declined_card_leaves_the_order_open(
    client: Client,
    app: FastAPI,
    gateway: FakeGateway,
) -> None:
    """Another card may be tried, as another payment."""
    gateway.problem = PaymentDeclinedError("insufficient funds")
    assert pay(client) == 402
    assert status(client) == "open"
    gateway.problem = None
    assert pay(client) == 200
    assert sorted(row[0] for row in payments(app)) == ["captured", "declined"]
    assert len(set(gateway.keys)) == 2


@pytest.mark.usefixtures("receipts")
def test_a_failing_gateway_is_asked_again_with_the_same_key(
    client: Client,
    gateway: FakeGateway,
) -> None:
    """Nobody knows whether money was taken, so the key stays."""
    gateway.problem = GatewayError("merchant m-1")
    assert pay(client) == 502
    assert status(client) == "paying"
    gateway.problem = None
    assert pay(client) == 200
    assert len(set(gateway.keys)) == 1


@pytest.mark.usefixtures("gateway")
def test_a_broken_receipt_service_does_not_matter(
    client: Client,
    receipts: FakeReceipts,
) -> None:
    """The order is paid all the same."""
    receipts.broken = True
    assert pay(client) == 200
    assert status(client) == "paid"


@pytest.mark.usefixtures("receipts")
def test_a_pending_charge_is_not_a_payment(
    client: Client,
    gateway: FakeGateway,
) -> None:
    """The order waits for the bank."""
    gateway.captured = False
    assert pay(client) == 202
    assert status(client) == "paying"
