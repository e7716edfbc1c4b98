"""What alembic runs: in the transaction of the caller, so that a store is of one version or of the other."""

from alembic import context

from reviewkit.storeschema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE.name)
context.run_migrations()
