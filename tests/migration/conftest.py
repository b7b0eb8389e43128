"""The migrations are tried on the same real PostgreSQL as the integration tests."""

from tests.integration.conftest import (
    database,
    empty_database,
    postgres_folder,
    postgres_server,
    postgres_url,
)

__all__ = ["database", "empty_database", "postgres_folder", "postgres_server", "postgres_url"]
