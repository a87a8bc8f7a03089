"""Address scopes: subnet pools whose addresses mean the same to everybody, and so do not overlap."""

from typing import Final

from kaon.model import checks
from kaon.model.attributes import REQUIRED, Attribute, Resource, identity, label, owner, switch
from kaon.model.extensions import Extension

ADDRESS_SCOPE: Final = Resource(
    collection="address_scopes",
    member="address_scope",
    attributes=(
        identity("address-scope"),
        label("address-scope"),
        *owner(),
        switch("shared", "address-scope", default=False),
        Attribute(
            name="ip_version",
            alias="address-scope",
            check=checks.number_of(4, 6),
            default=REQUIRED,
            post=True,
            filter=checks.integer,
            sort=True,
        ),
    ),
)

EXTENSIONS: Final = (
    Extension(
        "address-scope",
        "Address scope",
        "2015-07-26T10:00:00-00:00",
        "Subnet pools whose addresses do not overlap.",
    ),
)
