"""RBAC policies: what of a project's other projects may use."""

from collections.abc import Mapping
from typing import Any, Final

from kaon.model import checks
from kaon.model.attributes import REQUIRED, Attribute, Resource, identity, owner, words
from kaon.model.checks import Unfit, shown
from kaon.model.errors import InvalidInput
from kaon.model.extensions import Extension

SHARED: Final = "access_as_shared"
EXTERNAL: Final = "access_as_external"

EVERYBODY: Final = "*"
"""As a target: every project."""

ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "address_group": (SHARED,),
    "address_scope": (SHARED,),
    "network": (SHARED, EXTERNAL),
    "qos_policy": (SHARED,),
    "security_group": (SHARED,),
    "subnetpool": (SHARED,),
}
"""Object type -> what may be given on such an object."""


@checks.keeps({"enum": list(ACTIONS)})
def _object_type(value: Any) -> str:
    kept = value.strip().lower() if isinstance(value, str) else ""
    if kept not in ACTIONS:
        raise InvalidInput(error_message=f"{shown(value)} is not a valid RBAC object type")
    return kept


@checks.keeps({"type": "string", "minLength": 1, "maxLength": 255})
def _target(value: Any) -> str:
    """A project, or everybody."""
    try:
        kept: str = _text(value)
    except Unfit as unfit:
        raise InvalidInput(error_message=str(unfit)) from None
    if not kept:
        raise InvalidInput(error_message="the target of an RBAC policy is a project, or '*'")
    return kept


_text = checks.text(255)

RBAC_POLICY: Final = Resource(
    collection="rbac_policies",
    member="rbac_policy",
    attributes=(
        identity("rbac-policies"),
        *owner(),
        Attribute(
            name="object_type",
            alias="rbac-policies",
            check=_object_type,
            default=REQUIRED,
            post=True,
            filter=words,
            sort=True,
        ),
        Attribute(
            name="object_id",
            alias="rbac-policies",
            check=checks.uuid,
            default=REQUIRED,
            post=True,
            filter=words,
            sort=True,
        ),
        Attribute(
            name="target_tenant",
            alias="rbac-policies",
            check=_target,
            default=REQUIRED,
            post=True,
            put=True,
            filter=words,
            sort=True,
        ),
        Attribute(
            name="action",
            alias="rbac-policies",
            check=checks.text(255),
            default=REQUIRED,
            post=True,
            filter=words,
            sort=True,
        ),
    ),
)

EXTENSIONS: Final = (
    Extension("rbac-policies", "RBAC Policies", "2015-06-17T12:15:12-00:00", "What of a project's others may use."),
    Extension(
        "rbac-subnetpool", "Add subnetpool type to RBAC", "2020-02-05T00:00:00-00:00", "Subnet pools can be shared by RBAC."
    ),
    Extension(
        "rbac-address-scope",
        "Add address_scope type to RBAC",
        "2020-02-12T00:00:00-00:00",
        "Address scopes can be shared by RBAC.",
    ),
)
