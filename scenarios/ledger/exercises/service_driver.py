"""How the card team's service is run and measured."""

import gc
import sys
from types import FrameType, TracebackType
from typing import Any

import structlog
from sqlalchemy import create_engine


async def setup(env: Any) -> None:
    """Start the worker."""
    structlog.configure(processors=[structlog.processors.add_log_level, env.log_processor])
    from ledger.service import CardImport
    from ledger.status import Status

    env.state["engine"] = create_engine(env.sync_database_url("main"))
    env.state["status"] = Status()
    env.state["service"] = CardImport(env.state["engine"], env.state["status"])
    gc.collect()
    gc.freeze()  # what was there before is nothing to look through after each file


async def load(env: Any, batch_id: str, lines: list[str]) -> int:
    """Load one file."""
    return int(env.state["service"].load(batch_id, iter(lines)))


async def live(env: Any) -> dict[str, int]:
    """Count what is alive in the worker once garbage was collected."""
    from ledger import merchants, parsing, service

    gc.collect()
    everything = gc.get_objects()
    records = [thing for thing in everything if type(thing) is parsing.Record]
    frames = [thing for thing in everything if type(thing) is FrameType and thing.f_globals is service.__dict__]
    return {
        "records_live": len(records),
        "record_bytes": sum(_size(record) for record in records),
        "errors_live": sum(type(thing) is parsing.LineError for thing in everything),
        "frames_live": len(frames),
        "tracebacks_live": sum(
            type(thing) is TracebackType and thing.tb_frame.f_globals is service.__dict__ for thing in everything
        ),
        "names_cached": merchants.printed.cache_info().currsize,
        "page_lines": len(env.state["status"].page()),
        "connections_out": env.state["engine"].pool.checkedout(),
    }


async def teardown(env: Any) -> None:
    """Give the connections back."""
    gc.unfreeze()
    env.state["engine"].dispose()


def _size(record: Any) -> int:
    values = (record.payment_id, record.cents, record.currency, record.merchant)
    return sys.getsizeof(record) + sum(sys.getsizeof(value) for value in values)
