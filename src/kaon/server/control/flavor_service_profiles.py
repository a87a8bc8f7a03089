"""Which service profiles a flavor has: create, show, delete, below the flavor."""

from collections.abc import Sequence

from kaon.model.errors.flavors import (
    FlavorServiceProfileBindingExists,
    FlavorServiceProfileBindingNotFound,
    ServiceProfileNotFound,
)
from kaon.model.query import Body, Row
from kaon.server.control import flavors, following, policy
from kaon.server.control.core import Caller, Core
from kaon.server.store import flavors as flavor_rows
from kaon.server.store import service_profiles
from kaon.server.store.engine import Transaction


def create(core: Core, caller: Caller, flavor_id: str, bodies: Sequence[Body]) -> list[Row]:
    """Give a flavor a profile.

    Errors  FlavorNotFound, PolicyNotAuthorized, ServiceProfileNotFound, FlavorServiceProfileBindingExists.
    """

    def work(tx: Transaction) -> list[Row]:
        flavor = flavors.find(caller, tx, flavor_id)
        for body in bodies:
            policy.authorize(caller, "create_flavor_service_profile", body, flavor)
            if body["id"] in flavor["service_profiles"]:
                raise FlavorServiceProfileBindingExists(sp_id=body["id"], fl_id=flavor_id)
            if service_profiles.missing(tx, [body["id"]]):
                raise ServiceProfileNotFound(sp_id=body["id"])
            flavor_rows.add_profile(tx, flavor_id, body["id"])
        return [{"id": body["id"]} for body in bodies]

    return following.write(core, work)


def show(core: Core, caller: Caller, flavor_id: str, profile_id: str, fields: frozenset[str] | None = None) -> Row:
    """Make sure that a flavor has a profile. Errors: FlavorNotFound, FlavorServiceProfileBindingNotFound."""
    del fields  # the API leaves out what was not asked for; here nothing is cheaper without
    flavor = core.store.read(lambda tx: flavors.find(caller, tx, flavor_id))
    may = policy.allowed(caller, "get_flavor_service_profile", {}, flavor)
    if not may or profile_id not in flavor["service_profiles"]:
        raise FlavorServiceProfileBindingNotFound(sp_id=profile_id, fl_id=flavor_id)
    return {"id": profile_id}


def delete(core: Core, caller: Caller, flavor_id: str, profile_id: str, revision: int | None = None) -> None:
    """Take a profile from a flavor. Errors: FlavorNotFound, PolicyNotAuthorized, FlavorServiceProfileBindingNotFound."""
    del revision

    def work(tx: Transaction) -> None:
        flavor = flavors.find(caller, tx, flavor_id)
        policy.authorize(caller, "delete_flavor_service_profile", {}, flavor)
        if not flavor_rows.remove_profile(tx, flavor_id, profile_id):
            raise FlavorServiceProfileBindingNotFound(sp_id=profile_id, fl_id=flavor_id)

    following.write(core, work)
