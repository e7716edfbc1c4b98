"""How the import is called."""

from typing import Any

import structlog
from sqlalchemy import create_engine


async def setup(env: Any) -> None:
    """Start a worker."""
    env.state["engine"] = create_engine(env.sync_database_url("main"), hide_parameters=True)
    await restart(env)


async def restart(env: Any) -> None:
    """Start another worker: a new importer with new counters on the same database."""
    _send_events(env)
    from ledger.app import build_bulk_importer
    from ledger.metrics import Metrics

    env.state["metrics"] = Metrics()
    env.state["importer"] = build_bulk_importer(env.state["engine"], env.state["metrics"])
    _send_events(env)  # whatever the tree configured while it was put together


async def import_batch(env: Any, batch_id: str, partner: str, lines: list[str]) -> dict[str, Any]:
    """Import the lines of one batch; gives the report's status and count."""
    report = env.state["importer"].run(batch_id, partner, iter(lines))
    return {"status": report.status, "imported": report.imported}


async def counters(env: Any) -> dict[str, int]:
    """Read the counters."""
    return dict(env.state["metrics"].snapshot())


async def teardown(env: Any) -> None:
    """Give the connections back."""
    env.state["engine"].dispose()


def _send_events(env: Any) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            env.log_processor,
        ]
    )
