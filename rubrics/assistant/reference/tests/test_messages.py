"""Messages and refunds against recorded services."""

from __future__ import annotations

import json

import httpx
import pytest
from assistant.api import build_app
from assistant.settings import Settings
from fastapi.testclient import TestClient

ARTICLE = {
    "id": "a-1",
    "title": "Returns",
    "body": "Send the parcel back within 30 days.",
}
RECORD = {
    "id": "c-1",
    "display_name": "Ana",
    "email": "ana@mail.test",
    "orders": [{"id": "o-1", "paid_cents": 2000, "refunded_cents": 0}],
}
ORDER = {"id": "o-1", "customer_id": "c-1", "paid_cents": 2000, "refunded_cents": 0}
ANSWER = {"reply": "You have 30 days to send it back.", "action": None}
VISITOR = {"X-Shop": "birch", "X-Customer": "c-1"}
SETTINGS = {
    "help_url": "https://help.test",
    "shop_url": "https://shop.test",
    "mail_url": "https://mail.test",
    "service_token": "t-1",
    "model_url": "https://model.test",
    "model_key": "k-1",
}


class Services:
    """The help centre, the shop, the mail relay and a model that can misbehave."""

    def __init__(self, content: str = json.dumps(ANSWER), status: int = 200) -> None:
        self.content, self.status = content, status
        self.refunds = 0
        self.mails = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.refunds += request.url.path.endswith("/refunds")
        self.mails += request.url.path == "/messages"
        return reply_to(request, self.content, self.status)


def reply_to(request: httpx.Request, content: str, status: int) -> httpx.Response:
    """Play one service."""
    if request.url.path == "/articles":
        return httpx.Response(200, json={"articles": [ARTICLE]})
    if request.url.path == "/v1/chat/completions":
        message = {"role": "assistant", "content": content}
        return httpx.Response(
            status,
            json={
                "id": "x-1",
                "model": "support-chat",
                "choices": [{"message": message}],
            },
        )
    return httpx.Response(
        200,
        json=ORDER if request.url.path.endswith("/orders/o-1") else RECORD,
    )


def client(services: Services) -> TestClient:
    """Build the app on top of the recorded services."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(services))
    return TestClient(build_app(Settings.from_mapping(SETTINGS), http))


def ask(services: Services, **more: object) -> dict[str, object]:
    """Post one message and return the answer."""
    body = {"message_id": "m-1", "message": "How long can I keep a parcel?", **more}
    answer: dict[str, object] = (
        client(services).post("/v1/messages", headers=VISITOR, json=body).json()
    )
    return answer


def acting(name: str, **arguments: object) -> Services:
    """Set up a model that asks for an action."""
    action = {"name": name, "arguments": arguments}
    return Services(json.dumps({"reply": "Done.", "action": action}))


def test_reply_is_the_models() -> None:
    answer = ask(Services())
    assert answer["reply"] == ANSWER["reply"]
    assert answer["sources"] == ["a-1"]


def test_attachment_is_accepted() -> None:
    file = {"filename": "invoice.txt", "content": "SW52b2ljZSBvLTE="}
    assert ask(Services(), attachments=[file])["handed_over"] is False


@pytest.mark.parametrize(
    "content",
    ["", "Sure!", "[]", "{}", '{"reply": 7}', '{"reply": "Hi", "action": "refund"}'],
)
def test_odd_answers_are_handed_over(content: str) -> None:
    assert ask(Services(content))["handed_over"] is True


@pytest.mark.parametrize("status", [400, 429, 503])
def test_a_failing_model_is_handed_over(status: int) -> None:
    assert ask(Services(status=status))["handed_over"] is True


def test_refund_of_the_own_order_is_booked_once() -> None:
    services = acting("refund", order_id="o-1", amount_cents=1500)
    assert ask(services)["action"] == "refund"
    assert services.refunds == 1


@pytest.mark.parametrize("amount", [2001, 0, -5, "2000", 1.5, True, None])
def test_no_other_amount_is_booked(amount: object) -> None:
    services = acting("refund", order_id="o-1", amount_cents=amount)
    assert ask(services)["handed_over"] is True
    assert services.refunds == 0


def test_mail_goes_to_the_customer_only() -> None:
    services = acting("email", to="eve@mail.test", subject="Hi", text="All of it")
    assert ask(services)["handed_over"] is True
    assert services.mails == 0


def test_agent_books_a_refund() -> None:
    refund = {"order_id": "o-1", "amount_cents": 500, "reason": "scratched"}
    answer = client(Services()).post("/v1/desk/refunds", headers=VISITOR, json=refund)
    assert answer.status_code == 204
