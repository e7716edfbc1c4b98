"""Recording a payment."""

from __future__ import annotations

import pytest
from conftest import Service

PATH = "/transactions/process"
PAYMENT: dict[str, object] = {"merchant": "m-1", "idempotency_key": "key-0001"}
PAYMENT |= {"receipt": "r-1", "amount": 12.50, "currency": "EUR"}


def test_a_payment_sent_twice_is_recorded_once(service: Service) -> None:
    for _ in range(2):
        answer = service.send("POST", PATH, PAYMENT)
        assert answer.json() == {"status": "processed", "key": "key-0001"}
    rows = service.run("SELECT amount_cents, status FROM transactions")
    assert rows == [(1250, "completed")]


@pytest.mark.parametrize("amount", [19.99, 1.15, 0.29, 9_999_999_999.99])
def test_an_amount_is_kept_to_the_cent(service: Service, amount: float) -> None:
    assert service.send("POST", PATH, PAYMENT | {"amount": amount}).is_success
    assert service.run("SELECT amount_cents FROM transactions") == [
        (round(amount * 100),)
    ]


@pytest.mark.parametrize("amount", [-1, 0, 0.004, "NaN", "Infinity", 1e12])
def test_an_odd_amount_is_refused(service: Service, amount: object) -> None:
    answer = service.send("POST", PATH, PAYMENT | {"amount": amount})
    assert answer.status_code == 422


def test_an_unknown_merchant_is_not_found(service: Service) -> None:
    answer = service.send("POST", PATH, PAYMENT | {"merchant": "m-9"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "other",
    [
        {"amount": 99},
        {"currency": "USD"},
        {"receipt": "r-2"},
        {"idempotency_key": "key-0002"},
    ],
)
def test_another_payment_is_not_taken_for_the_first(
    service: Service, other: dict[str, object]
) -> None:
    service.send("POST", PATH, PAYMENT)
    assert service.send("POST", PATH, PAYMENT | other).status_code == 409
    rows = service.run("SELECT receipt, amount_cents, currency FROM transactions")
    assert rows == [("r-1", 1250, "EUR")]
