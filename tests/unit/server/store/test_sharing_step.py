"""The step of the schema that replaces columns by RBAC policies, with data in the database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from kaon.server.store import migrations
from kaon.server.store.engine import Store

NETWORKS = {"plain": (0, 0), "shared": (1, 0), "outside": (0, 1), "both": (1, 1)}
"""Id -> shared, external."""

COMMON = "'p', '', '', '2026-01-01 00:00:00', '2026-01-01 00:00:00', 1"


@pytest.fixture
def before(tmp_path: Path) -> Iterator[Store]:
    """A database as it was before the step, on SQLite: the one that cannot alter every table."""
    store = Store(f"sqlite:///{tmp_path}/kaon.db")
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(migrations.__file__).parent))
    configuration.attributes["engine"] = store.engine
    command.upgrade(configuration, "0003")
    rest = "1450, 1, 'linux', 'vxlan', ''"
    rows = [
        f"INSERT INTO networks SELECT '{name}', {COMMON}, 1, 'ACTIVE', {shared}, {external}, {rest}, {at}"
        for at, (name, (shared, external)) in enumerate(NETWORKS.items(), 1)
    ]
    rows.append(f"INSERT INTO subnetpools SELECT 'pool', {COMMON}, 4, 8, 8, 32, NULL, 1, 0, NULL")
    rows.append(f"INSERT INTO subnets SELECT 'subnet', {COMMON}, 'shared', 4, '10.0.0.0/24', NULL, 1, NULL, NULL, 'pool'")
    with store.engine.begin() as connection:
        for row in rows:
            connection.execute(sa.text(row))
    yield store
    store.close()


def test_columns_become_policies(before: Store) -> None:
    """For everybody, of the owner, counted; and what refers to the tables stays."""
    before.upgrade()
    with before.engine.connect() as connection:
        found = connection.execute(sa.text("SELECT object_id, action, project_id, target_project FROM rbac_policies")).all()
        used = connection.scalar(sa.text("SELECT used FROM quota_usages WHERE project_id = 'p' AND resource = 'rbac_policy'"))
        assert connection.scalar(sa.text("SELECT count(*) FROM subnets")) == 1
        assert connection.scalar(sa.text("SELECT count(*) FROM networks WHERE external = 1")) == 2
    shared = {(name, "access_as_shared") for name in ("shared", "both", "pool")}
    external = {(name, "access_as_external") for name in ("outside", "both")}
    assert {(*policy, "p", "*") for policy in shared | external} == {tuple(row) for row in found}
    assert used == len(found)
