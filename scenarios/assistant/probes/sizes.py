"""The same question with files of several sizes."""

from __future__ import annotations

from reviewkit.harness import ProbeResult, Stage, bars

SIZES_KB = (1, 10, 100, 400, 1000)
LINE = "one wool blanket, grey, delivered to the door\n"


async def run(stage: Stage) -> ProbeResult:
    """Send the question with each file to a fresh service."""
    sent: dict[str, float] = {}
    rows: list[dict[str, object]] = []
    for size in SIZES_KB:
        support = stage.kit.Support()
        text = (LINE * (size * 1000 // len(LINE) + 1))[: size * 1000]
        async with stage.open(support.world) as job:
            answer = await job.call(
                "ask", shop="birch", customer="c-1", message="Is this invoice right?", files={"invoice.txt": text}
            )
        counts = [stage.kit.tokens(messages) for messages in support.prompts]
        sent[f"{size} KB"] = float(sum(counts))
        status = answer.value["status"] if answer.ok else answer.error
        rows.append({"file": f"{size} KB", "calls": len(counts), "input tokens": sum(counts), "status": status})
    return ProbeResult(
        verdict=f"{int(max(sent.values()))} input tokens at most for one message",
        plots=[bars("Input tokens for one message", sent, y="tokens")],
        table=rows,
    )
