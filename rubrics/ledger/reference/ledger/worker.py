"""The worker process: takes deliveries from the queue and imports them."""

from collections.abc import Iterable
from typing import Protocol

import structlog

from ledger.report import ImportReport

logger = structlog.get_logger()


class Importer(Protocol):
    """What can import a batch."""

    def run(self, batch_id: str, partner: str, lines: Iterable[str]) -> ImportReport:
        """Import the lines of one batch."""


class Delivery(Protocol):
    """A batch file that waits in the queue."""

    batch_id: str
    partner: str

    def lines(self) -> Iterable[str]:
        """Open the file and yield its lines."""

    def done(self) -> None:
        """Take the delivery off the queue."""

    def again(self) -> None:
        """Hand it back for any worker; the fifth time raises an alarm."""


def serve(importer: Importer, deliveries: Iterable[Delivery]) -> None:
    """Import deliveries until there are no more."""
    for delivery in deliveries:
        try:
            importer.run(delivery.batch_id, delivery.partner, delivery.lines())
        except Exception:
            logger.exception("batch failed", batch_id=delivery.batch_id)
            delivery.again()
            continue
        delivery.done()
