"""Rows of a person and of a submission are found without reading all: a purge in a store with many rounds."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the indexes."""
    for column in ("sha256", "candidate"):
        op.create_index(f"ix_submissions_{column}", "submissions", [column])
