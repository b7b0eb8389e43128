"""What alembic runs around the steps: on a connection that it is given, or into a script (offline)."""

from alembic import context
from sqlalchemy import create_engine

from controller.db.tables import metadata


def run() -> None:
    """Run the steps.

    ``controller.db.migrate`` hands in an open connection; alembic's own command line names a database by
    ``-x url=postgresql://…``.
    """
    connection = context.config.attributes.get("connection")
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()
    elif connection is not None:
        context.configure(connection=connection, target_metadata=metadata, compare_server_default=True)
        with context.begin_transaction():
            context.run_migrations()
    else:
        with create_engine(context.get_x_argument(as_dictionary=True)["url"]).begin() as own:
            context.config.attributes["connection"] = own
            run()


run()
