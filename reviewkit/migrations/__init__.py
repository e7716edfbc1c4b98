"""How a store of an earlier version becomes one of this version: an alembic folder, run by `reviewkit.storeschema` alone."""
