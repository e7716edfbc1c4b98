"""Messages and refunds against recorded services."""

from __future__ import annotations

import httpx
from assistant.api import build_app
from assistant.settings import Settings
from fastapi.testclient import TestClient

ARTICLE = {
    "id": "a-1",
    "title": "Returns",
    "body": "Send the parcel back within 30 days.",
}
VISITOR = {"X-Shop": "birch", "X-Customer": "c-1"}
SETTINGS = {
    "help_url": "https://help.test",
    "shop_url": "https://shop.test",
    "mail_url": "https://mail.test",
    "service_token": "t-1",
}


def services(request: httpx.Request) -> httpx.Response:
    """Play the help centre, the shop and the mail relay."""
    if request.url.path == "/articles":
        return httpx.Response(
            200,
            json={"articles": [ARTICLE] if "parcel" in request.url.params["q"] else []},
        )
    if request.url.path.endswith("/orders/o-1"):
        return httpx.Response(
            200,
            json={
                "id": "o-1",
                "customer_id": "c-1",
                "paid_cents": 2000,
                "refunded_cents": 0,
            },
        )
    return httpx.Response(200, json={"id": "c-1", "email": "ana@mail.test"})


def client() -> TestClient:
    """Build the app on top of the recorded services."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(services))
    return TestClient(build_app(Settings.from_mapping(SETTINGS), http))


def test_reply_is_the_best_article() -> None:
    answer = client().post(
        "/v1/messages",
        headers=VISITOR,
        json={"message_id": "m-1", "message": "Where do I send a parcel?"},
    )
    assert answer.json()["reply"] == ARTICLE["body"]


def test_nothing_found_is_handed_over() -> None:
    answer = client().post(
        "/v1/messages",
        headers=VISITOR,
        json={"message_id": "m-1", "message": "Hello"},
    )
    assert answer.json()["handed_over"] is True


def test_agent_books_a_refund() -> None:
    refund = {"order_id": "o-1", "amount_cents": 500, "reason": "scratched"}
    assert (
        client().post("/v1/desk/refunds", headers=VISITOR, json=refund).status_code
        == 204
    )
