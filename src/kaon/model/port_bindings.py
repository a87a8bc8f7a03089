"""Bindings of a port to hosts: one is active, others wait for a live migration to reach their host."""

from typing import Any, Final

from kaon.model import checks
from kaon.model.attributes import NOT_SPECIFIED, REQUIRED, Attribute, Resource, owner, words
from kaon.model.checks import Unfit
from kaon.model.extensions import Extension
from kaon.model.ports import VNIC_TYPES

_host_name: Final = checks.text(255)


@checks.keeps({"type": "string", "minLength": 1, "maxLength": 255})
def _host(value: Any) -> str:
    host = str(_host_name(value))
    if not host:
        raise Unfit("it must name a host")
    return host


BINDING: Final = Resource(
    collection="bindings",
    member="binding",
    parent="ports",
    key="host",
    attributes=(
        Attribute(name="host", alias="binding-extended", check=_host, default=REQUIRED, post=True, put=True, filter=words),
        Attribute(name="vif_type", alias="binding-extended", filter=words),
        Attribute(name="vif_details", alias="binding-extended"),
        Attribute(
            name="vnic_type",
            alias="binding-extended",
            check=checks.one_of(*VNIC_TYPES),
            default="normal",
            post=True,
            put=True,
            filter=words,
        ),
        Attribute(
            name="profile",
            alias="binding-extended",
            check=checks.dictionary,
            default=NOT_SPECIFIED,
            post=True,
            put=True,
        ),
        Attribute(name="status", alias="binding-extended", filter=words),
        # Whose port it is stands in the port; the body of a POST names the caller's project all the same.
        *owner(),
    ),
    bulk=False,
)

EXTENSIONS: Final = (
    Extension(
        "binding-extended",
        "Port Bindings Extended",
        "2017-07-17T10:00:00-00:00",
        "A port can be prepared on the host to which its server is about to move.",
    ),
)
