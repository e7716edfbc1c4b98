"""What a run tells its caller."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImportReport:
    """The outcome of one batch."""

    batch_id: str
    status: str
    imported: int
