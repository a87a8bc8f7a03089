"""A Kaon with a real Keystone and three hollow hosts, as `tools/conformance` makes it, for clients that others wrote."""

import runpy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

TOOL = Path(__file__).parents[2] / "tools" / "conformance"

HOSTS = "alpha,beta,gamma"
"""Agents of the last are taken away in tests: they come back only with their host's next greeting."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the administrator gets in. ids: of users and projects, by name."""

    auth_url: str
    password: str
    region: str
    ids: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """What the `openstack` command reads."""
        return {
            "OS_AUTH_URL": self.auth_url,
            "OS_USERNAME": "admin",
            "OS_PASSWORD": self.password,
            "OS_PROJECT_NAME": "admin",
            "OS_USER_DOMAIN_ID": "default",
            "OS_PROJECT_DOMAIN_ID": "default",
            "OS_IDENTITY_API_VERSION": "3",
            "OS_REGION_NAME": self.region,
        }


@contextmanager
def running(directory: Path) -> Iterator[Access]:
    """Run one until the block ends, with an external network `public`: 203.0.113.0/24.

    The administrator has the role `service` as well, which alone may write binding profiles.
    """
    conformance: dict[str, Any] = runpy.run_path(str(TOOL))
    with conformance["cloud"](directory, "", HOSTS) as (keystone, api):
        token = conformance["admin_token"](keystone)
        conformance["public_network"](api, token)
        ids = keystone["ids"]
        with httpx.Client(base_url=keystone["auth_url"], headers={"X-Auth-Token": token}) as identity:
            role = identity.get("roles?name=service").json()["roles"][0]["id"]
            place = f"projects/{ids['project admin']}/users/{ids['admin']}/roles/{role}"
            assert identity.put(place).status_code == 204
        yield Access(keystone["auth_url"], keystone["password"], keystone["region"], ids)
