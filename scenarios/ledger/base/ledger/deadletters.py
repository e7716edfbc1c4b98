"""Lines that were refused, kept for the partner desk, which mends and replays them."""

from sqlalchemy import Connection, insert

from ledger import tables


def add_dead_letter(
    connection: Connection,
    batch_id: str,
    partner: str,
    line: int,
    reason: str,
    payload: str,
) -> None:
    """Keep one refused line with its number in the file and the reason."""
    row = {
        "batch_id": batch_id,
        "partner": partner,
        "line": line,
        "reason": reason,
        "payload": payload,
    }
    connection.execute(insert(tables.dead_letters), row)
