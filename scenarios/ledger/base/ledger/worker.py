"""The worker process: takes deliveries from the queue and imports them."""

from collections.abc import Iterable
from typing import Protocol

from ledger.report import ImportReport


class Importer(Protocol):
    """What can import a batch."""

    def run(self, batch_id: str, partner: str, lines: Iterable[str]) -> ImportReport:
        """Import the lines of one batch."""


class Delivery(Protocol):
    """A batch file that waits in the queue; one that is not taken off comes back later, to any worker."""

    batch_id: str
    partner: str

    def lines(self) -> Iterable[str]:
        """Open the file and yield its lines."""

    def done(self) -> None:
        """Take the delivery off the queue."""


def serve(importer: Importer, deliveries: Iterable[Delivery]) -> None:
    """Import deliveries until there are no more."""
    for delivery in deliveries:
        importer.run(delivery.batch_id, delivery.partner, delivery.lines())
        delivery.done()
