"""The embedded warehouse for these tests."""

from tests.integration.connectors.warehouse_database import database, warehouse_server

__all__ = ["database", "warehouse_server"]
