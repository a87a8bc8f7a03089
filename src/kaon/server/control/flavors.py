"""Flavors: the five verbs; which profiles one has (`Profiles`), who would serve it (`Providers`), what a router of it is."""

from collections.abc import Mapping, Sequence
from typing import Any

from kaon.lib.ids import new_id
from kaon.model.errors import InvalidInput
from kaon.model.errors.flavors import (
    FlavorDisabled,
    FlavorInUse,
    FlavorNotFound,
    FlavorServiceProfileBindingNotFound,
    ServiceProfileDisabled,
    ServiceProfileDriverNotFound,
    ServiceProfileNotFound,
)
from kaon.model.flavors import ROUTERS
from kaon.model.query import Body, Page, Query, Row
from kaon.model.service_providers import BY_DRIVER, Provider
from kaon.server.control import following, policy
from kaon.server.control.core import Caller, Core, bounded
from kaon.server.store import flavors, select, service_profiles
from kaon.server.store.engine import Transaction


def create(core: Core, caller: Caller, bodies: Sequence[Body]) -> list[Row]:
    """Make flavors, all or none. Errors: PolicyNotAuthorized, ServiceProfileNotFound."""

    def work(tx: Transaction) -> list[Row]:
        made = []
        for body in bodies:
            policy.authorize(caller, "create_flavor", body, body=body)
            row: Row = {"name": "", "description": "", "enabled": True, "service_profiles": []} | body | {"id": new_id()}
            _check_profiles(tx, row["service_profiles"])
            flavors.insert(tx, row)
            made.append(row)
        return made

    return following.write(core, work)


def show(core: Core, caller: Caller, flavor_id: str, fields: frozenset[str] | None = None) -> Row:
    """Find a flavor. Errors: FlavorNotFound, also when the caller may not see it."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    return core.store.read(lambda tx: find(caller, tx, flavor_id))


def index(core: Core, caller: Caller, query: Query) -> Page:
    """List flavors."""
    seeing = policy.visibility(caller, "flavors")
    try:
        return Page(*core.store.read(lambda tx: flavors.index(tx, bounded(core, query), seeing)))
    except select.MarkerNotFound:
        raise FlavorNotFound(flavor_id=query.marker) from None


def update(core: Core, caller: Caller, flavor_id: str, changes: Body, revision: int | None = None) -> Row:
    """Change a flavor; it has no revision that a caller could demand. Errors: as `create`, and FlavorNotFound."""
    del revision

    def work(tx: Transaction) -> Row:
        row = find(caller, tx, flavor_id)
        policy.authorize(caller, "update_flavor", row, body=changes)
        _check_profiles(tx, changes.get("service_profiles", ()))
        flavors.update(tx, flavor_id, changes)
        return row | changes

    return following.write(core, work)


def delete(core: Core, caller: Caller, flavor_id: str, revision: int | None = None) -> None:
    """Delete a flavor. Errors: FlavorNotFound, PolicyNotAuthorized, FlavorInUse while a router is of it."""
    del revision

    def work(tx: Transaction) -> None:
        policy.authorize(caller, "delete_flavor", find(caller, tx, flavor_id))
        if flavors.in_use(tx, flavor_id):
            raise FlavorInUse(flavor_id=flavor_id)
        flavors.delete(tx, flavor_id)

    following.write(core, work)


def find(caller: Caller, tx: Transaction, flavor_id: str) -> Row:
    """Find a flavor that the caller may see. Errors: FlavorNotFound."""
    row = flavors.show(tx, flavor_id)
    if row is None or not policy.visible(caller, "flavors", row):
        raise FlavorNotFound(flavor_id=flavor_id)
    return row


def provider_of(tx: Transaction, flavor: Row) -> tuple[Provider, Row]:
    """Find who serves a flavor, and by which of its profiles: the first one.

    Errors  FlavorServiceProfileBindingNotFound, ServiceProfileDisabled, ServiceProfileDriverNotFound.
    """
    profile_id = next(iter(flavor["service_profiles"]), "")
    profile = service_profiles.show(tx, profile_id)
    if profile is None:
        raise FlavorServiceProfileBindingNotFound(sp_id=profile_id, fl_id=flavor["id"])
    if not profile["enabled"]:
        raise ServiceProfileDisabled
    provider = BY_DRIVER.get(profile["driver"])
    if provider is None:
        raise ServiceProfileDriverNotFound(driver=profile["driver"])
    return provider, profile


def of_router(caller: Caller, tx: Transaction, body: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what a new router is because of its flavor: `flavor_id`, `distributed` and `ha`; nothing without a flavor.

    Errors  those of `find` and `provider_of`, FlavorDisabled, InvalidInput for a flavor of something else, or for flags in the
            body that its routers do not have.
    """
    flavor_id = body.get("flavor_id")
    if flavor_id is None:
        return {}
    flavor = find(caller, tx, flavor_id)
    if flavor["service_type"] != ROUTERS:
        raise InvalidInput(error_message=f"flavor {flavor_id} is for {flavor['service_type']}, not for routers")
    if not flavor["enabled"]:
        raise FlavorDisabled
    provider, _ = provider_of(tx, flavor)
    lacking = provider.lacks(body)
    if lacking is not None:
        raise InvalidInput(error_message=f"Provider {provider.name} does not support {lacking}={body[lacking]}")
    return {"flavor_id": flavor_id, "distributed": provider.distributed, "ha": provider.ha}


def _check_profiles(tx: Transaction, profile_ids: Sequence[str]) -> None:
    for missing in service_profiles.missing(tx, profile_ids):
        raise ServiceProfileNotFound(sp_id=missing)
