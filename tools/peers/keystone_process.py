"""One Keystone process: it makes its directory ready, then answers. Run by `tools/peers/keystone` in Keystone's environment."""

import argparse
import contextlib
import json
import logging
import os
import socket
import sqlite3
import sys
import uuid
from pathlib import Path
from typing import Any

import waitress
from keystone import exception
from keystone.cmd.bootstrap import Bootstrapper
from keystone.common import driver_hints, fernet_utils, provider_api
from keystone.common.sql import upgrades
from keystone.server.flask import core

LOOPBACK = "127.0.0.1"
DOMAIN = "default"
SERVICE_PROJECT = "service"
SERVICES = ("neutron", "nova")
"""Users of the project `service` with the role `service`, which lets them validate tokens and vouch for a user's."""

FERNET = ("fernet_tokens", "fernet_receipts", "credential")

PROVIDERS: Any = provider_api.ProviderAPIs


def configuration(directory: Path, expiration: int) -> Path:
    """Write keystone.conf: SQLite, Fernet keys beside it, the cheapest hash of passwords that there is."""
    sections = {
        "DEFAULT": {"log_file": directory / "keystone.log", "use_stderr": "false", "default_log_levels": "keystone=INFO"},
        "database": {"connection": f"sqlite:///{directory / 'keystone.db'}", "sqlite_synchronous": "false"},
        "token": {"provider": "fernet", "expiration": expiration},
        "identity": {"password_hash_algorithm": "bcrypt", "password_hash_rounds": 4},
        "cache": {"enabled": "true", "backend": "dogpile.cache.memory"},
        **{section: {"key_repository": directory / section} for section in FERNET},
    }
    path = directory / "keystone.conf"
    lines = [f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in those.items()) for name, those in sections.items()]
    path.write_text("".join(lines))
    return path


def make_database(directory: Path) -> None:
    """Bring the schema up to date. Written ahead: those who read need not wait for who writes."""
    upgrades.offline_sync_database_to_version()
    with contextlib.closing(sqlite3.connect(directory / "keystone.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")


def make_keys(directory: Path) -> None:
    """Make the keys of tokens, receipts and credentials."""
    for section in FERNET:
        keys = fernet_utils.FernetUtils(str(directory / section), 3, section)
        keys.create_key_directory()
        keys.initialize_key_repository()


class First(Bootstrapper):
    """`keystone-manage bootstrap` inside the process that is to answer."""

    def __init__(self, url: str, region: str, password: str) -> None:
        # Not the one of the class above, which loads the back ends: the application has them already.
        self.project_name = self.admin_username = self.admin_role_name = "admin"
        self.reader_role_name, self.member_role_name, self.manager_role_name = "reader", "member", "manager"
        self.service_role_name, self.service_name = "service", "keystone"
        self.admin_password, self.region_id = password, region
        self.public_url = self.internal_url = self.admin_url = url
        self.immutable_roles = False
        self.endpoints: dict[str, str] = {}


def fill(url: str, region: str, password: str, network_url: str) -> dict[str, str]:
    """Make users, roles and the catalogue as far as they are missing; give ids by name."""
    first = First(url, region, password)
    first.bootstrap()
    of_domain = {"domain_id": DOMAIN, "enabled": True}
    project = made(
        lambda: PROVIDERS.resource_api.get_project_by_name(SERVICE_PROJECT, DOMAIN),
        lambda new: PROVIDERS.resource_api.create_project(new, {"id": new, "name": SERVICE_PROJECT, **of_domain}),
    )
    ids = {"admin": first.admin_user_id, "project admin": first.project_id, f"project {SERVICE_PROJECT}": project["id"]}
    role = next(one["id"] for one in PROVIDERS.role_api.list_roles() if one["name"] == "service")
    for name in SERVICES:
        fresh = {"name": name, "password": password, **of_domain}
        user = made(
            lambda name=name: PROVIDERS.identity_api.get_user_by_name(name, DOMAIN),
            lambda _, fresh=fresh: PROVIDERS.identity_api.create_user(fresh),
        )
        with contextlib.suppress(exception.Conflict):
            PROVIDERS.assignment_api.add_role_to_user_and_project(user["id"], project["id"], role)
        ids[name] = user["id"]
    if network_url:
        list_network_service(network_url, region)
    return ids


def made(find: Any, make: Any) -> Any:
    """Find something, or make it with a new id."""
    try:
        return find()
    except exception.NotFound:
        return make(uuid.uuid4().hex)


def list_network_service(url: str, region: str) -> None:
    """Put the network service into the catalogue, or change where it is."""
    catalog = PROVIDERS.catalog_api
    hints = driver_hints.Hints()
    hints.add_filter("type", "network")
    service = next(iter(catalog.list_services(hints)), None)
    if service is None:
        new = uuid.uuid4().hex
        service = catalog.create_service(new, {"id": new, "name": "neutron", "type": "network", "enabled": True})
    known = {one["interface"]: one for one in catalog.list_endpoints() if one["service_id"] == service["id"]}
    for interface in ("public", "internal", "admin"):
        if interface in known:
            catalog.update_endpoint(known[interface]["id"], {"url": url})
        else:
            new = uuid.uuid4().hex
            where = {"interface": interface, "url": url, "region_id": region}
            catalog.create_endpoint(new, {"id": new, "service_id": service["id"], "enabled": True, **where})


def main() -> None:
    """Do it. peer.json, written last, says that it answers, and where."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--region", default="RegionOne")
    parser.add_argument("--password", default="secret")
    parser.add_argument("--network-url", default="")
    parser.add_argument("--expiration", type=int, default=86_400)
    asked = parser.parse_args()
    del sys.argv[1:]  # Keystone would read them as its own
    os.umask(0o077)
    directory = asked.dir.resolve()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, asked.port))  # nobody can connect before waitress listens: then it can answer
    port = listener.getsockname()[1]
    url = f"http://{LOOPBACK}:{port}/v3"
    make_keys(directory)
    application = core.initialize_application("public", config_files=[str(configuration(directory, asked.expiration))])
    make_database(directory)
    ids = fill(url, asked.region, asked.password, asked.network_url)
    logging.getLogger("waitress").setLevel(logging.ERROR)
    # One thread: SQLite refuses a transaction that read before another one wrote, and Keystone would answer 500.
    server = waitress.create_server(application, sockets=[listener], threads=1, clear_untrusted_proxy_headers=True)
    facts = {"pid": os.getpid(), "port": port, "auth_url": url, "region": asked.region, "password": asked.password, "ids": ids}
    partial = directory / "peer.partial"
    partial.write_text(json.dumps(facts))
    partial.rename(directory / "peer.json")
    server.run()


if __name__ == "__main__":
    main()
