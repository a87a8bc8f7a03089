"""Steps from one schema to the next, run by Alembic. A step is never changed once released."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Engine


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest step; a database that is there already is left alone."""
    command.upgrade(_configuration(engine), "head")


def _configuration(engine: Engine) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent))
    configuration.attributes["engine"] = engine
    return configuration
