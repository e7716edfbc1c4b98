"""Reading a transaction."""

from __future__ import annotations

from conftest import Service

ROW = """
    INSERT INTO transactions
    VALUES ('m-1', 'key-0001', 'r-1', 1250, 'EUR', 'completed', '2024-05-02')
"""


def test_a_recorded_transaction_is_shown(service: Service) -> None:
    service.run(ROW)
    answer = service.send("GET", "/transactions/m-1/key-0001")
    assert answer.status_code == 200
    assert answer.json()["amount_cents"] == 1250


def test_an_unknown_transaction_is_not_found(service: Service) -> None:
    assert service.send("GET", "/transactions/m-1/key-0002").status_code == 404
