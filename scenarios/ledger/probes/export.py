"""Ten lines of a partner's new export, and where each of them ended."""

from types import ModuleType

from reviewkit.harness import ProbeResult, Stage, bars

SENT = 10
CURRENCIES = {"EUR", "SEK"}


async def run(stage: Stage) -> ProbeResult:
    """Import one batch and count lines, entries and dead letters."""
    kit = stage.kit
    world = kit.ledger()
    async with stage.open(world) as job:
        await job.call("import_batch", batch_id="b-1", partner=kit.PARTNER, lines=_export(kit))
    rows = world.db().rows("SELECT reference, amount, currency FROM entries ORDER BY reference")
    kept = len(world.db().rows("SELECT id FROM dead_letters"))
    wrong = sum(1 for _, amount, currency in rows if not kit.is_amount(amount) or currency not in CURRENCIES)
    lost = SENT - len(rows) - kept
    counts = {"in": SENT, "out": len(rows), "dead letters": kept, "lost": lost, "wrong": wrong}
    return ProbeResult(
        verdict=f"{SENT} in, {len(rows)} out, {lost} lost, {wrong} wrong",
        plots=[bars("Where the lines ended", counts, y="lines")],
        table=[
            {"reference": reference, "amount": amount, "currency": currency} for reference, amount, currency in rows
        ],
    )


def _export(kit: ModuleType) -> list[str]:
    return [
        kit.line("T-01", "120.00"),
        kit.line("T-02", "12,50"),
        kit.line("T-03", "NaN"),
        kit.line("T-04", "80.00", currency_code=None),
        kit.line("T-05", "15.75", currency_code=..., currency="EUR"),
        kit.line("T-06", "inf"),
        kit.line("T-07", "-30.00"),
        kit.line("T-08", "44.10", booked_at="02.03.2026"),
        kit.line("T-09", "9.90", booked_at=None),
        kit.line("T-10", "60.00", currency_code="SEK"),
        kit.trailer(SENT, "312.25"),
    ]
