"""The tables as they were before stores had a version; a store of that time may have only some of them."""

import sqlalchemy as sa
from alembic import op

from reviewkit.storeschema import grow_only

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create what is missing."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "submissions" not in there:
        op.create_table(
            "submissions",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("file", sa.Text, nullable=False),
            sa.Column("sha256", sa.String(64), nullable=False),
            *_texts("candidate", "scenario", "scenario_version", "rubric_version", "scorer_version"),
            *(sa.Column(name, sa.Float) for name in ("total", "over", "low", "high")),
            *_texts("band", "gates"),
            sa.Column("waiting", sa.Integer),
            sa.Column("flags", sa.Integer, nullable=False),
            *_texts("unscored", "sentence"),
            sa.Column("scorecard", sa.JSON),
            sa.UniqueConstraint("file", "sha256", "rubric_version", "scorer_version", name="one_row_per_scoring"),
        )
    if "invite_changes" not in there:
        op.create_table(
            "invite_changes",
            sa.Column("id", sa.Integer, primary_key=True),
            *_texts("invite", "candidate", "change"),
            sa.Column("at", sa.Integer, nullable=False),
            *_texts("claims"),
        )
        for column in ("invite", "candidate"):
            op.create_index(f"ix_invite_changes_{column}", "invite_changes", [column])
    for name, key, columns in (
        ("decisions", "sha256", "kind finding? defect? item? outcome author time reason"),
        ("hiring_decisions", "sha256", "decision author time reason"),
        ("live_notes", "invite", "candidate author time kind item? outcome? text"),
    ):
        if name not in there:
            _ledger(name, key, columns)


def _texts(*names: str) -> list[sa.Column[str]]:
    """Columns of text; a name that ends in `?` may be NULL."""
    return [sa.Column(name.removesuffix("?"), sa.Text, nullable=name.endswith("?")) for name in names]


def _ledger(name: str, key: str, columns: str) -> None:
    op.create_table(
        name,
        sa.Column("sequence", sa.Integer, primary_key=True),
        sa.Column(key, sa.String(64), nullable=False),
        *_texts(*columns.split()),
        sqlite_autoincrement=True,
    )
    op.create_index(f"ix_{name}_{key}", name, [key])
    for statement in grow_only(name, op.get_bind().dialect.name):
        op.get_bind().exec_driver_sql(statement)
