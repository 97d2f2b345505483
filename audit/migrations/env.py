"""Alembic's entry: runs in the transaction that `audit.migrate` opened, and never reads an ini file."""

from alembic import context

from audit.tables import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
    compare_server_default=True,
)
context.run_migrations()
