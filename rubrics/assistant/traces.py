"""Instrumented runs that give the truth of the trace exercise, measured on `head/`."""

from __future__ import annotations

from typing import Any

from reviewkit.harness import Reply, Stage, TraceTruth, trace

MESSAGE = "Please refund 15.00 for order o-1."
COMMENT = "A comment below an article."
FIRST_LINE = "You are the support assistant"
Fact = tuple[str, dict[str, Any]]


async def _facts(stage: Stage, support: Any, message: str) -> list[Fact]:
    async with stage.open(support.world, driver=stage.rubric / "tracer.py") as job:
        await job.call("ask", message=message)
    return list(support.world.facts)


def _first(facts: list[Fact], kind: str, **wanted: str) -> str:
    """The layer of the first fact of a kind whose fields hold the wanted texts."""
    for name, data in facts:
        if name == kind and all(text in str(data.get(key, "")) for key, text in wanted.items()):
            return str(data["layer"])
    return "nowhere"


def _order(facts: list[Fact]) -> tuple[str, ...]:
    entered = (str(data["layer"]) for kind, data in facts if kind == "enter")
    return tuple(dict.fromkeys(entered))


def _texts(stage: Stage) -> Any:
    """A shop with plenty of articles about the words of the message, one of them with a comment."""
    texts = stage.kit.articles()
    for number in range(3):
        texts.append(stage.kit.Text("birch", f"a-{number + 20}", "Refund of an order", "An order.", [COMMENT]))
    return texts


@trace("trace")
async def follow(stage: Stage) -> TraceTruth:
    """One refund that works, and one message while the provider answers 503."""
    well = await _facts(stage, stage.kit.Support(texts=_texts(stage)), MESSAGE)
    down = await _facts(
        stage, stage.kit.Support(texts=_texts(stage), model=lambda _messages: Reply(503, json={})), MESSAGE
    )
    last = [str(data["layer"]) for kind, data in down if kind == "raised"]
    marks = {
        "comment": _first(well, "returned", text=COMMENT),
        "joined": _joined(well),
        "value": _first(well, "parsed"),
        "money": _first(well, "sent", path="/refunds"),
        "raised": last[0] if last else "nowhere",
        "turned": _turned(down),
    }
    return TraceTruth(order=_order(well), marks=marks)


def _joined(facts: list[Fact]) -> str:
    """The first layer that hands on instructions and message together."""
    for kind, data in facts:
        text = str(data.get("text", ""))
        if kind == "returned" and FIRST_LINE in text and MESSAGE in text:
            return str(data["layer"])
    return "nowhere"


def _turned(facts: list[Fact]) -> str:
    """The first layer that returns normally after an exception has left another one inside it."""
    raised = False
    for kind, data in facts:
        raised = raised or kind == "raised"
        if raised and kind == "returned" and "handed_over=True" in str(data.get("text", "")):
            return str(data["layer"])
    return "nowhere"
