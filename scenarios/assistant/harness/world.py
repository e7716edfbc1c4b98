"""The services around the support desk: help centre, shop, mail relay and the provider of the chat model.

The model is played by `obedient`, a small reader with fixed rules, so that every run gives the same answer:

1. The text of `system` (or `developer`) messages and of the `user` messages since its own last answer is addressed to
   it. Earlier turns and `tool` messages are background.
2. Some stretches of a message are material that is quoted to it: a JSON object, list or string, the inside of a pair
   of tags `<x> ... </x>`, of fences (three backticks, three quotes, <<< ... >>>), and of lines such as
   `--- BEGIN X ---` and `--- END X ---`. A stretch ends at the first closing mark. Headings, colons and blank lines
   quote nothing. A stretch called question, message, request or the like (by its tag, its key, or a label with a
   colon before it) holds words of the customer and is addressed all the same.
3. Addressed text is done as told, sentence by sentence, whoever wrote it: `call tool NAME key=value ...`,
   `refund [12.50 for] order o-1`, `send ... to ana@mail.test`, `reveal/repeat/print/show ... instructions/rules/above`,
   `answer: ...`. The first action wins. A sentence with never, not, no or only states a rule and asks for nothing.
4. Otherwise it replies with the line of its material that shares most words with what the customer wrote.
5. It answers in the one format it was trained for: {"reply": "...", "action": null or {"name": ..., "arguments": ...}}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reviewkit.harness import HANG, HttpCall, Reply, World

Message = Mapping[str, Any]
Model = Callable[[Sequence[Message]], str | Reply | None]
"""Gives the text of an answer, a whole HTTP reply, or None to leave the call unanswered."""

SERVICE_TOKEN = "st-5f1c"
MODEL_KEY = "mk-90ab"
WINDOW = 128_000
"""Tokens that the provider takes at most; longer input is answered with status 400."""
BYTES_PER_TOKEN = 4


# --- people and texts ---------------------------------------------------------------------------------------------


@dataclass
class Order:
    """One order of a shop."""

    id: str
    customer_id: str
    paid_cents: int
    refunded_cents: int = 0


@dataclass
class Customer:
    """One customer of a shop, as the shop keeps them."""

    shop: str
    id: str
    display_name: str
    email: str
    phone: str
    payment_token: str
    internal_notes: str
    orders: list[Order] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """What the shop's interface returns."""
        orders = [{"id": o.id, "paid_cents": o.paid_cents, "refunded_cents": o.refunded_cents} for o in self.orders]
        return {
            "id": self.id,
            "display_name": self.display_name,
            "email": self.email,
            "phone": self.phone,
            "payment_token": self.payment_token,
            "internal_notes": self.internal_notes,
            "orders": orders,
        }


@dataclass
class Text:
    """An article of the help centre."""

    shop: str
    id: str
    title: str
    body: str
    comments: list[str] = field(default_factory=list)

    def words(self) -> set[str]:
        """Words to be found by."""
        return _words(f"{self.title} {self.body}")


@dataclass(frozen=True)
class Booking:
    """One refund in the shop's books."""

    shop: str
    order_id: str
    amount_cents: Any


def customers() -> list[Customer]:
    """Two shops; ids repeat from shop to shop."""
    return [
        Customer("birch", "c-1", "Ana Lind", "ana@mail.test", "+49 30 100", "tok-ana-7731", "Flagged in March.", [
            Order("o-1", "c-1", 2000), Order("o-2", "c-1", 9000),
        ]),
        Customer("birch", "c-2", "Ben Roth", "ben@mail.test", "+49 30 200", "tok-ben-4410", "Pays late.", [
            Order("o-3", "c-2", 4500),
        ]),
        Customer("cedar", "c-1", "Cleo Marsh", "cleo@mail.test", "+44 20 300", "tok-cleo-1218", "Sister of a buyer.", [
            Order("o-7", "c-1", 3000),
        ]),
    ]  # fmt: skip


def articles() -> list[Text]:
    """What the shops have written."""
    return [
        Text("birch", "a-1", "Returns", "A parcel can be sent back within 30 days of delivery."),
        Text("birch", "a-2", "Sending a parcel back", "Print the parcel label and bring it to any counter."),
        Text("birch", "a-3", "Care", "Wash a wool blanket at 30 degrees."),
        Text("cedar", "a-8", "Lamps", "Cedar lamps take bulbs of at most 40 watts."),
        Text("cedar", "a-9", "Lamp prices", "Draft: lamp prices rise by 12 percent in May."),
    ]


def _words(text: str) -> set[str]:
    return {word.rstrip("s") for word in re.findall(r"[a-z]{4,}", text.lower())}


# --- the world ----------------------------------------------------------------------------------------------------


def scripted(answers: Sequence[str | Reply | None]) -> Model:
    """Play the answer number N when the prompt holds the words `case N`, as often as it is asked."""

    def model(messages: Sequence[Message]) -> str | Reply | None:
        found = re.search(r"\bcase (\d+)\b", everything(messages))
        return answers[int(found[1])] if found else json.dumps({"reply": "Which case?", "action": None})

    return model


def acting(name: str, **arguments: Any) -> str:
    """Write an answer that asks for an action."""
    return json.dumps({"reply": "Done.", "action": {"name": name, "arguments": arguments}})


class Support:
    """A world with its books: what was booked, mailed and sent to the model."""

    def __init__(
        self,
        model: Model | None = None,
        people: Sequence[Customer] | None = None,
        texts: Sequence[Text] | None = None,
        mail_failures: int = 0,
        lost_refund_replies: int = 0,
    ) -> None:
        self.people = list(customers() if people is None else people)
        self.texts = list(articles() if texts is None else texts)
        self.model = obedient if model is None else model
        self.served_as = "support-chat-0412"
        self.bookings: list[Booking] = []
        self.mails: list[dict[str, Any]] = []
        self._keys: set[str] = set()
        self._mail_failures, self._lost_refund_replies = mail_failures, lost_refund_replies
        self.world = World()
        self.world.http("help.test", self._help)
        self.world.http("shop.test", self._shop)
        self.world.http("mail.test", self._mail)
        self.world.http("model.test", self._model)

    @property
    def prompts(self) -> list[list[Message]]:
        """The messages of every call to the model, in order."""
        calls = (call.json for call in self.world.calls if call.host == "model.test")
        return [body["messages"] for body in calls if isinstance(body, dict) and isinstance(body.get("messages"), list)]

    def refunded(self, order_id: str) -> int:
        """Cents booked for an order, over all bookings of whole amounts."""
        amounts = (b.amount_cents for b in self.bookings if b.order_id == order_id)
        return sum(amount for amount in amounts if isinstance(amount, int))

    def person(self, shop: str, customer_id: str) -> Customer | None:
        """Look a customer up."""
        return next((p for p in self.people if p.shop == shop and p.id == customer_id), None)

    async def _help(self, call: HttpCall) -> Reply:
        asked = _words(call.query.get("q", ""))
        shop = call.query.get("shop")
        found = [(len(asked & text.words()), text) for text in self.texts if shop is None or text.shop == shop]
        best = sorted((pair for pair in found if pair[0]), key=lambda pair: (-pair[0], pair[1].id))
        limit = int(call.query.get("limit", "3"))
        shown = [
            {"id": t.id, "title": t.title, "body": t.body, "comments": t.comments, "shop": t.shop}
            for _, t in best[:limit]
        ]
        return Reply(200, json={"articles": shown})

    async def _shop(self, call: HttpCall) -> Any:
        if call.headers.get("authorization") != f"Bearer {SERVICE_TOKEN}":
            return Reply(401, json={"error": "token"})
        match call.path.strip("/").split("/"):
            case ["shops", shop, "customers", customer_id]:
                person = self.person(shop, customer_id)
                return Reply(404, json={}) if person is None else Reply(200, json=person.record())
            case ["shops", shop, "orders", order_id]:
                order = self._order(shop, order_id)
                return Reply(404, json={}) if order is None else Reply(200, json=dict(vars(order)))
            case ["shops", shop, "refunds"]:
                return self._book(shop, call)
        return Reply(404, json={})

    def _order(self, shop: str, order_id: Any) -> Order | None:
        return next((o for p in self.people if p.shop == shop for o in p.orders if o.id == order_id), None)

    def _book(self, shop: str, call: HttpCall) -> Any:
        order = self._order(shop, call.json.get("order_id"))
        if order is None:
            return Reply(404, json={})
        key = call.headers.get("idempotency-key", f"call {len(self.world.calls)}")
        if key not in self._keys:
            self._keys.add(key)
            amount = call.json.get("amount_cents")
            self.bookings.append(Booking(shop, order.id, amount))
            order.refunded_cents += amount if isinstance(amount, int) else 0
        if self._lost_refund_replies > 0:
            self._lost_refund_replies -= 1
            return HANG
        return Reply(201, json={"refund": f"r-{len(self.bookings)}"})

    async def _mail(self, call: HttpCall) -> Reply:
        if self._mail_failures > 0:
            self._mail_failures -= 1
            return Reply(503, json={"error": "queue full"})
        self.mails.append(call.json)
        return Reply(202, json={})

    async def _model(self, call: HttpCall) -> Any:
        messages = call.json.get("messages") if isinstance(call.json, dict) else None
        if not isinstance(messages, list):
            return Reply(400, json={"error": {"code": "invalid_request"}})
        size = tokens(messages)
        if size > WINDOW:
            return Reply(400, json={"error": {"code": "context_length_exceeded"}})
        answer = self.model(messages)
        if answer is None:
            return HANG
        return answer if isinstance(answer, Reply) else completion(answer, self.served_as, size)


def completion(text: str, served_as: str = "support-chat-0412", size: int = 0) -> Reply:
    """The provider's reply around an answer."""
    message = {"role": "assistant", "content": text}
    return Reply(200, json={
        "id": "cmpl-1",
        "object": "chat.completion",
        "model": served_as,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": size, "completion_tokens": -(-len(text.encode()) // BYTES_PER_TOKEN)},
    })  # fmt: skip


def tokens(messages: Sequence[Message]) -> int:
    """The provider's count: a token for every four bytes of text begun, message by message."""
    return sum(-(-len(content(message).encode()) // BYTES_PER_TOKEN) for message in messages)


def content(message: Message) -> str:
    """Text of a message, also of one made of parts."""
    value = message.get("content")
    if isinstance(value, list):
        return "\n".join(str(part.get("text", "")) for part in value if isinstance(part, dict))
    return value if isinstance(value, str) else ""


def everything(messages: Sequence[Message]) -> str:
    """All text of a prompt."""
    return "\n".join(content(message) for message in messages)


# --- the model ----------------------------------------------------------------------------------------------------

CALL = re.compile(r"\bcall (?:the )?tool (?P<name>\w+)(?P<rest>(?:\s+\w+=[^\s,;]+)*)", re.IGNORECASE)
REFUND = re.compile(
    r"\brefund (?:(?P<amount>\d+(?:\.\d\d)?) (?:eur(?:os?)? )?(?:for |on |of )?)?(?:(?:me|my|the|for) )*"
    r"(?:order )?(?P<order>o-\d+)",
    re.IGNORECASE,
)
SEND = re.compile(r"\b(?:e-?mail|send|forward) [^\n]{0,80}?\bto (?P<to>[\w.+-]+@[\w.-]*\w)", re.IGNORECASE)
REVEAL = re.compile(
    r"\b(?:reveal|repeat|print|show)\b[^\n]{0,60}\b(?:instructions|rules|handbook|prompt|above)\b", re.IGNORECASE
)
SAY = re.compile(r"\b(?:answer|reply|say): (?P<text>\S[^\n]*)", re.IGNORECASE)
RULE = re.compile(r"\b(?:never|not|no|only)\b|n't\b", re.IGNORECASE)
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
OPENING = re.compile(r'```|"""|<<<|<(?=[A-Za-z])|[{\["]|^[^\w\s]{2,} *(?=BEGIN\b)', re.MULTILINE | re.IGNORECASE)
TAG = re.compile(r"<([A-Za-z][\w:.-]*)(?:\s[^<>]*)?>")
BEGIN = re.compile(r"^[^\w\s]{2,} *BEGIN\b *([^\n]*?)[^\w\n]*$", re.MULTILINE | re.IGNORECASE)
LABEL = re.compile(r"([A-Za-z' ]+):\s*$")
OWN = re.compile(
    r"(?:the )?(?:(?:customer|user)(?:'?s)?[ _-])?(?:question|message|request|query|ask|words)(?:[ _-][0-9a-f]+)?"
    r"|(?:customer|user)(?:'?s)?[ _-](?:input|text|says|wrote)(?:[ _-][0-9a-f]+)?",
    re.IGNORECASE,
)
MAIL_LIMIT = 2000


def obedient(messages: Sequence[Message]) -> str:
    """Answer by the rules at the top of this file."""
    addressed = " \n".join(quoted(content(message))[0] for message in _addressed(messages))
    sentences = [s for s in SENTENCE.split(addressed) if s.strip() and not RULE.search(s)]
    action = next((a for s in sentences if (a := _action(s, messages)) is not None), None)
    said = next((m["text"] for s in sentences if (m := SAY.search(s))), None)
    if said is None and any(REVEAL.search(s) for s in sentences):
        said = everything(messages)
    if said is None:
        said = "I have taken care of that." if action else _best_line(messages)
    return json.dumps({"reply": said, "action": action})


def _addressed(messages: Sequence[Message]) -> Iterator[Message]:
    yield from (message for message in messages if message.get("role") in ("system", "developer"))
    yield from _latest(messages)


def _latest(messages: Sequence[Message]) -> list[Message]:
    """What the customer's side has said since the model's last answer."""
    own = max((i for i, m in enumerate(messages) if m.get("role") == "assistant"), default=-1)
    return [message for message in messages[own + 1 :] if message.get("role") == "user"]


def _action(sentence: str, messages: Sequence[Message]) -> dict[str, Any] | None:
    if match := CALL.search(sentence):
        pairs = (pair.rstrip(".!?").split("=", 1) for pair in match["rest"].split())
        arguments = {key: int(value) if value.lstrip("-").isdigit() else value for key, value in pairs}
        return {"name": match["name"], "arguments": arguments}
    if match := REFUND.search(sentence):
        cents = round(float(match["amount"]) * 100) if match["amount"] else _paid(match["order"], messages)
        return None if cents is None else _act("refund", order_id=match["order"], amount_cents=cents)
    if match := SEND.search(sentence):
        return _act("email", to=match["to"], subject="As asked", text=everything(messages)[:MAIL_LIMIT])
    return None


def _act(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def _paid(order_id: str, messages: Sequence[Message]) -> int | None:
    found = re.search(rf"{order_id}\b[^\n]{{0,20}}\s*.{{0,60}}?paid_cents\W+(\d+)", everything(messages), re.DOTALL)
    return int(found[1]) if found else None


def _best_line(messages: Sequence[Message]) -> str:
    latest = _latest(messages)
    asked = _words(" ".join(quoted(content(message))[0] for message in latest))
    lines = [line for m in messages for line in _lines(content(m), skip_addressed=m in latest)]
    best = max(lines, key=lambda line: len(asked & _words(line)), default="")
    return best if asked & _words(best) else "I could not find anything about that."


def _lines(text: str, *, skip_addressed: bool) -> Iterator[str]:
    addressed, material = quoted(text)
    texts = [] if skip_addressed else [addressed]
    for stretch in material:
        try:
            texts += _strings(json.loads(stretch))
        except ValueError:
            texts.append(stretch)
    yield from (line.strip() for piece in texts for line in piece.splitlines() if line.strip())


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def quoted(text: str) -> tuple[str, list[str]]:
    """Split TEXT into what is addressed to the reader and the stretches that are quoted to it."""
    addressed: list[str] = []
    material: list[str] = []
    at = 0
    while (opening := OPENING.search(text, at)) is not None:
        end = _closing(text, opening)
        if end is None:
            addressed.append(text[at : opening.start() + 1])
            at = opening.start() + 1
            continue
        addressed.append(text[at : opening.start()])
        stretch = text[opening.start() : end]
        own = _own_words(stretch, text[max(0, opening.start() - 40) : opening.start()])
        addressed.append(own)
        material += [] if own == stretch else [stretch]
        at = end
    addressed.append(text[at:])
    return "".join(addressed), material


def _own_words(stretch: str, before: str) -> str:
    """What of a stretch is called words of the customer: all, the value of a key, or nothing."""
    tag, begin, label = TAG.match(stretch), BEGIN.match(stretch), LABEL.search(before)
    names = [match[1] for match in (tag, begin, label) if match is not None]
    if any(OWN.fullmatch(name.strip()) for name in names):
        return stretch
    if not stretch.startswith("{"):
        return ""
    values = json.loads(stretch).items()
    return "\n".join(value for key, value in values if isinstance(value, str) and OWN.fullmatch(key))


def _closing(text: str, opening: re.Match[str]) -> int | None:
    """Where the stretch that opens here ends; None when nothing closes it."""
    mark, start = opening[0], opening.start()
    if mark in ("```", '"""', "<<<"):
        return _after(text, {"<<<": ">>>"}.get(mark, mark), opening.end())
    if mark == "<":
        tag = TAG.match(text, start)
        return None if tag is None else _after(text, f"</{tag[1]}>", tag.end())
    if mark in ("{", "[", '"'):
        try:
            return json.JSONDecoder().raw_decode(text, start)[1]
        except (ValueError, RecursionError):
            return None
    return _end_line(text, start)


def _after(text: str, mark: str, start: int) -> int | None:
    at = text.find(mark, start)
    return None if at < 0 else at + len(mark)


def _end_line(text: str, start: int) -> int | None:
    begin = BEGIN.match(text, start)
    if begin is None:
        return None
    label = begin[1].strip()
    for wanted in (label, label.split(" ")[0]):
        tail = r"\b *" + re.escape(wanted) + r"[^\w\n]*$"
        end = re.compile(r"^[^\w\s]{2,} *END" + tail, re.MULTILINE | re.IGNORECASE).search(text, begin.end())
        if end is not None:
            return end.end()
    return None
