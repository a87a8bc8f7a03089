"""What Alembic runs to apply steps: one transaction over all of them, where the database can."""

from alembic import context

from kaon.server.store import tables

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    writing = connection.execution_options(kaon_write=True)
    context.configure(
        connection=writing,
        target_metadata=tables.metadata,
        render_as_batch=True,  # SQLite alters a table by making a new one
        compare_type=True,
    )
    with writing.begin(), context.begin_transaction():
        context.run_migrations()
