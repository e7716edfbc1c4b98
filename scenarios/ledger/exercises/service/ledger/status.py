"""What the status page shows."""

from collections import Counter, deque

RECENT = 20


class Status:
    """Counters, the latest batches, and what was refused last in a batch."""

    def __init__(self) -> None:
        """Start empty."""
        self.counters: Counter[str] = Counter()
        self.recent: deque[str] = deque(maxlen=RECENT)
        self.refusals: dict[str, Exception] = {}

    def loaded(self, batch_id: str, posted: int) -> None:
        """Note a batch that was loaded."""
        self.counters["posted"] += posted
        self.recent.append(f"{batch_id}: {posted} posted")

    def refused(self, batch_id: str, error: Exception) -> None:
        """Note a line that was refused."""
        self.counters["refused"] += 1
        self.refusals[batch_id] = error

    def page(self) -> list[str]:
        """Lines of the page."""
        refusals = [f"{batch_id}: {error}" for batch_id, error in self.refusals.items()]
        return [*self.recent, *refusals[-RECENT:]]
