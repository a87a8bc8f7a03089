"""Steps from one schema to the next, run by Alembic. A step is never changed once released."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError

_HERE = Path(__file__).parent


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest step; one that is there already is left alone, and costs one statement."""
    if present(engine) == newest():
        return
    from alembic import command  # noqa: PLC0415  # slow to import, and needed after an upgrade of Kaon only
    from alembic.config import Config  # noqa: PLC0415  # as above

    configuration = Config()
    configuration.set_main_option("script_location", str(_HERE))
    configuration.attributes["engine"] = engine
    command.upgrade(configuration, "head")


def newest() -> str:
    """Name the newest step: steps are numbered, in the names of their files too."""
    return max(path.name.partition("_")[0] for path in (_HERE / "versions").glob("[0-9]*_*.py"))


def present(engine: Engine) -> str | None:
    """Name the step that a database is at; None when it has none yet, or cannot be asked."""
    try:
        with engine.connect() as connection:
            found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
            return found
    except (OperationalError, ProgrammingError):  # no such table: what says so differs from database to database
        return None
