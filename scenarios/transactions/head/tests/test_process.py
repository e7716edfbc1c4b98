"""Recording a payment."""

from __future__ import annotations

from conftest import Service

PAYMENT: dict[str, object] = {"merchant": "m-1", "idempotency_key": "key-0001"}
PAYMENT |= {"receipt": "r-1", "amount": 12.50, "currency": "EUR"}


def test_a_payment_sent_twice_is_recorded_once(service: Service) -> None:
    for _ in range(2):
        answer = service.send("POST", "/transactions/process", PAYMENT)
        assert answer.json() == {"status": "processed", "key": "key-0001"}
    rows = service.run("SELECT amount_cents, status FROM transactions")
    assert rows == [(1250, "completed")]


def test_a_negative_amount_is_refused(service: Service) -> None:
    answer = service.send("POST", "/transactions/process", PAYMENT | {"amount": -1})
    assert answer.status_code == 422
