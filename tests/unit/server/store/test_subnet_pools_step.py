"""The step of the schema that brings subnet pools, with data in the database."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from kaon.server.store import migrations
from kaon.server.store.engine import Store

ROWS = (
    "INSERT INTO networks SELECT 'n', 'p', '', '', at, at, 1, 1, 'ACTIVE', 0, 0, 1450, 1, 'linux', 'vxlan', '', 7 FROM clock",
    "INSERT INTO subnets SELECT 's', 'p', '', '', at, at, 1, 'n', 4, '10.0.0.0/24', NULL, 1, NULL, NULL FROM clock",
    "INSERT INTO allocation_pools SELECT 's', '0a000002', '0a0000fe' FROM clock",
)


def test_subnets_outlive_the_step(tmp_path: Path) -> None:
    """SQLite alters a table by making a new one, and what refers to the old one would go with it: here nothing goes."""
    store = Store(f"sqlite:///{tmp_path}/kaon.db")
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(migrations.__file__).parent))
    configuration.attributes["engine"] = store.engine
    command.upgrade(configuration, "0002")
    with store.engine.begin() as connection:
        for row in ROWS:
            connection.execute(sa.text(f"WITH clock AS (SELECT '2026-01-01 00:00:00' AS at) {row}"))
    store.upgrade()
    with store.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM allocation_pools")) == 1
        assert connection.execute(sa.text("SELECT id, subnetpool_id FROM subnets")).all() == [("s", None)]
    store.close()


def test_networks_that_are_there_get_their_segment(tmp_path: Path) -> None:
    """A copy of what the network says of itself; flat networks, which have no id, included."""
    store = Store(f"sqlite:///{tmp_path}/kaon.db")
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(migrations.__file__).parent))
    configuration.attributes["engine"] = store.engine
    command.upgrade(configuration, "0002")
    flat = ROWS[0].replace("'n'", "'m'").replace("'vxlan', '', 7", "'flat', 'outside', 0")
    with store.engine.begin() as connection:
        for row in (ROWS[0], flat):
            connection.execute(sa.text(f"WITH clock AS (SELECT '2026-01-01 00:00:00' AS at) {row}"))
    store.upgrade()
    with store.engine.connect() as connection:
        chosen = "SELECT network_id, network_type, physical_network, segmentation_id, position FROM network_segments ORDER BY 1"
        assert connection.execute(sa.text(chosen)).all() == [("m", "flat", "outside", 0, 0), ("n", "vxlan", "", 7, 0)]
    store.close()
