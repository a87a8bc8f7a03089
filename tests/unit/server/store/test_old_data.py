"""From the first schema to the newest, with rows in every table that there ever was: on SQLite, PostgreSQL and MariaDB."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from cloud import ADMIN

import databases
from kaon.lib.addresses import to_hex
from kaon.model.query import Query
from kaon.server.backends.linux import LinuxBackend
from kaon.server.control import (
    floatingips,
    networks,
    ports,
    routers,
    security_group_rules,
    security_groups,
    subnetpools,
    subnets,
)
from kaon.server.control.core import Core
from kaon.server.store import dialects, migrations, tables
from kaon.server.store.engine import Store
from kaon.server.store.tables import segments, sharing, templates

STEPS = ("0001", "0002", "0003")
"""Those that were released with tables of their own before the whole API came; rows are put in after each."""

ROWS = ("a", "b")

SPECIAL: dict[tuple[str, str], tuple[Any, Any]] = {
    ("networks", "shared"): (True, False),
    ("networks", "external"): (False, True),
    ("networks", "network_type"): ("vxlan", "flat"),
    ("networks", "physical_network"): ("", "outside"),
    ("networks", "segmentation_id"): (7, 0),
    ("networks", "backend"): ("linux", "linux"),
    ("subnetpools", "shared"): (True, False),
    ("subnetpools", "ip_version"): (4, 6),
    ("subnetpools", "is_default"): (False, False),
    ("subnetpool_prefixes", "first"): (to_hex("10.0.0.0"), to_hex("2001:db8::")),
    ("subnetpool_prefixes", "length"): (8, 48),
    ("subnets", "ip_version"): (4, 4),
    ("subnets", "cidr"): ("10.0.0.0/24", "203.0.113.0/24"),
    ("ip_allocations", "ip_address"): ("10.0.0.5", "203.0.113.5"),
    ("floatingips", "floating_ip_address"): ("203.0.113.6", "203.0.113.7"),
    ("quotas", "project_id"): ("p", "q"),
    ("quotas", "resource"): ("port", "port"),
    ("quota_usages", "project_id"): ("p", "q"),
    ("quota_usages", "resource"): ("port", "network"),
    ("default_security_groups", "security_group_id"): ("security_groups-a", "security_groups-a"),
}
"""Table and column -> what the two rows have; what is not said follows from the column's type."""

JSON = {"profile": "{}", "vif_details": "{}", "configurations": "{}", "physical_networks": "[]"}


@pytest.fixture(params=databases.EVERY)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/old.db"
        return
    server: databases.Server = request.getfixturevalue(request.param)
    there = sa.make_url(server.url)
    as_others = " CHARACTER SET latin1" if request.param == "mariadb" else ""
    engine = sa.create_engine(there, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE old{as_others}")
        yield there.set(database="old").render_as_string(hide_password=False)
        connection.exec_driver_sql("DROP DATABASE old")
    engine.dispose()


def _step(engine: sa.Engine, revision: str) -> None:
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(migrations.__file__).parent))
    configuration.attributes["engine"] = engine
    command.upgrade(configuration, revision)


def _value(table: sa.Table, column: sa.Column[Any], at: int, there: dict[str, list[dict[str, Any]]]) -> Any:
    """What a row has, by what is known of the column."""
    if (table.name, column.name) in SPECIAL:
        return SPECIAL[table.name, column.name][at]
    for key in column.foreign_keys:
        return there[key.column.table.name][at][key.column.name]
    if column.name == "id":
        return f"{table.name}-{ROWS[at]}"
    return None if column.nullable else _plain(tables.metadata.tables[table.name].c[column.name], at)


def _plain(column: sa.Column[Any], at: int) -> Any:
    """A value of the column's type. What databases keep a boolean as, only our own tables know."""
    if isinstance(column.type, sa.DateTime):
        return datetime(2026, 1, 1)  # noqa: DTZ001  # the tables keep UTC without zone
    if isinstance(column.type, sa.Boolean):
        return True
    if isinstance(column.type, sa.Integer | sa.BigInteger):
        return at + 1
    return JSON.get(column.name, f"fa:16:3e:00:00:0{at}" if column.name == "mac_address" else ROWS[at])


def _fill(engine: sa.Engine, there: dict[str, list[dict[str, Any]]]) -> None:
    """Put two rows into every table that has none from an earlier step."""
    found = sa.MetaData()
    found.reflect(engine)
    with engine.begin() as connection:
        for table in found.sorted_tables:
            if table.name == "alembic_version" or table.name in there:
                continue
            made = [{column.name: _value(table, column, at, there) for column in table.c} for at in range(len(ROWS))]
            made = [{key: value for key, value in row.items() if key != "sequence"} for row in made]  # the database counts
            connection.execute(sa.insert(table), made)
            there[table.name] = made


def test_what_was_there_is_there(url: str) -> None:
    """Every row outlives all steps, what it said of sharing, segments and limits is where it now belongs; the API reads it."""
    old, _ = dialects.make_engines(url, 2)
    there: dict[str, list[dict[str, Any]]] = {}
    for revision in STEPS:
        _step(old, revision)
        _fill(old, there)
    old.dispose()
    with closing(Store(url)) as store:
        store.upgrade()
        _check_kept(store, there)
        _check_read(store)


def _check_kept(store: Store, there: dict[str, list[dict[str, Any]]]) -> None:
    with store.engine.connect() as connection:
        for name, rows in there.items():
            table = tables.metadata.tables[name]
            kept = [table.c[key] for key in rows[0] if key in table.c]
            assert {key for key in rows[0] if key not in table.c} <= {"shared"}, name
            found = connection.execute(sa.select(*kept)).mappings().all()
            for row in rows:
                assert {column.key: row[column.key] for column in kept} in [dict(one) for one in found], name
        _check_moved(connection)


def _check_moved(connection: sa.Connection) -> None:
    def told(*columns: sa.ColumnElement[Any]) -> set[tuple[Any, ...]]:
        return {tuple(row) for row in connection.execute(sa.select(*columns))}

    given = sharing.rbac_policies.c
    assert told(given.object_type, given.object_id, given.action, given.target_project) == {
        ("network", "networks-a", "access_as_shared", "*"),
        ("subnetpool", "subnetpools-a", "access_as_shared", "*"),
        ("network", "networks-b", "access_as_external", "*"),
    }
    has = segments.network_segments.c
    assert told(has.network_id, has.network_type, has.physical_network, has.segmentation_id, has.position) == {
        ("networks-a", "vxlan", "", 7, 0),
        ("networks-b", "flat", "outside", 0, 0),
    }
    groups, rules, usages = tables.security_groups.c, tables.security_group_rules.c, tables.quota_usages.c
    assert told(groups.id, groups.is_default) == {("security_groups-a", True), ("security_groups-b", False)}
    assert told(rules.security_group_id, rules.belongs_to_default_sg) == told(groups.id, groups.is_default)
    assert {("p", "port", 1), ("q", "network", None)} <= told(usages.project_id, usages.resource, usages.limit)
    assert len(told(templates.default_security_group_rules.c.id)) == 4
    ports_now, networks_now = tables.ports.c, tables.networks.c
    assert told(ports_now.propagate_uplink_status, ports_now.ip_allocation, ports_now.moving) == {(True, "immediate", False)}
    assert told(networks_now.availability_zone_hints, networks_now.is_default) == {("[]", False)}


def _check_read(store: Store) -> None:
    core = Core(store, {"linux": LinuxBackend()})
    read = {
        module.__name__.rpartition(".")[2]: module.index(core, ADMIN, Query(filters={})).rows
        for module in (networks, subnets, subnetpools, ports, security_groups, security_group_rules, routers, floatingips)
    }
    for name, rows in read.items():
        assert {f"{name}-{row}" for row in ROWS} <= {row["id"] for row in rows}
    assert [row["shared"] for row in sorted(read["networks"], key=lambda row: str(row["id"]))] == [True, False]
