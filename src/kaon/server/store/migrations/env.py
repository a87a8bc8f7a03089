"""What Alembic runs to apply steps: one transaction over all of them, where the database can; one server at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from sqlalchemy.engine import Connection

from kaon.server.store import tables

_LOCK = 0x6B616F6E
_PATIENCE_S = 300


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Keep other servers that start at the same time from applying the same steps. SQLite's writer is alone as it is."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        yield
    elif dialect in {"mysql", "mariadb"}:
        # It outlives the commits that MariaDB makes by itself after each change of the schema.
        if connection.exec_driver_sql(f"SELECT GET_LOCK('kaon-{_LOCK}', {_PATIENCE_S})").scalar() != 1:
            raise TimeoutError("another server has been upgrading the database for too long")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"DO RELEASE_LOCK('kaon-{_LOCK}')")
    else:
        yield


engine = context.config.attributes["engine"]
with engine.connect() as connection:
    writing = connection.execution_options(kaon_write=True)
    with writing.begin(), _alone(writing):
        context.configure(
            connection=writing,
            target_metadata=tables.metadata,
            render_as_batch=True,  # SQLite alters a table by making a new one
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
