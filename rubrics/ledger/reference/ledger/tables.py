"""Tables of the ledger. Amounts are decimal text: SQLite has no decimal type."""

from sqlalchemy import Column, Integer, MetaData, Table, Text

metadata = MetaData()

entries = Table(
    "entries",
    metadata,
    Column("entry_key", Text, primary_key=True),
    Column("batch_id", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("amount", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("booked_at", Text, nullable=False),
    Column("business_day", Text),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("batch_id", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", Text, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("partner", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("imported", Integer, nullable=False, default=0),
    Column("total", Text),
)
