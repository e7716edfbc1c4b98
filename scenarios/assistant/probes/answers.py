"""One question, twelve answers of the provider."""

from __future__ import annotations

from typing import Any

from reviewkit.harness import ProbeResult, Reply, Stage, bars

GOOD = '{"reply": "At 30 degrees.", "action": null}'


def replies() -> dict[str, str | Reply | None]:
    """What the provider gives, by a short name."""
    return {
        "an answer": GOOD,
        "an answer with a further field": '{"reply": "At 30 degrees.", "action": null, "mood": "calm"}',
        "prose": "Sure! Wash it at 30 degrees.",
        "JSON in a fence": f"```json\n{GOOD}\n```",
        "half an answer": '{"reply": "At 30 de',
        "a list": '["At 30 degrees."]',
        "nothing": "",
        "an action without arguments": '{"reply": "Done.", "action": {"name": "refund"}}',
        "an unknown action": '{"reply": "Done.", "action": {"name": "dance", "arguments": {}}}',
        "no choices": Reply(200, json={"choices": []}),
        "a busy signal": Reply(503, json={}),
        "silence": None,
    }


async def run(stage: Stage) -> ProbeResult:
    """Let a fresh service meet each of them."""
    rows: list[dict[str, Any]] = []
    counts: dict[str, float] = {"answer": 0, "hand-over": 0, "error": 0}
    for name, reply in replies().items():
        support = stage.kit.Support(model=lambda _messages, reply=reply: reply)
        async with stage.open(support.world) as job:
            answer = await job.call("ask", shop="birch", customer="c-1", message="How do I wash a wool blanket?")
        outcome = _outcome(answer.value)
        counts[outcome] += 1
        rows.append({"provider": name, "customer": outcome})
    shown = int(counts["answer"] + counts["hand-over"])
    return ProbeResult(
        verdict=f"{shown} of {len(rows)} gave the customer an answer or the hand-over text",
        plots=[bars("What the customer received", counts, y="of 12")],
        table=rows,
    )


def _outcome(value: Any) -> str:
    if not isinstance(value, dict) or value["status"] != 200 or not isinstance(value["body"], dict):
        return "error"
    return "hand-over" if value["body"].get("handed_over") else "answer"
