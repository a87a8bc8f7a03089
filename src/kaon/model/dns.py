"""DNS names and domains of ports, floating IPs and networks (RFC 952, 1034 and 1123), and the aliases that bring them."""

import re
from typing import Any, Final

from kaon.model.attributes import Attribute
from kaon.model.checks import Check, Unfit, keeps, schema_of, shown, text
from kaon.model.extensions import Extension

LENGTH: Final = 255
"""Characters of a fully qualified name, the dot at its end included."""

_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_text: Final = text(LENGTH)


def _name(value: Any) -> str:
    """A name of one label or several, in small letters, perhaps with a dot at its end; empty: none."""
    name = str(_text(value)).lower()
    labels = name.removesuffix(".").split(".")
    if not name:
        return name
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise Unfit(
            f"{shown(value)} is not a DNS name: labels have 1 to 63 letters, digits and hyphens, no hyphen at either end"
        )
    if len(labels) > 1 and labels[-1].isdecimal():
        raise Unfit(f"{shown(value)} is not a DNS name: its top-level domain is a number")
    return name


@keeps(schema_of(_text))
def host_name(value: Any) -> str:
    """What a port is called: relative, or with a dot at its end."""
    return _name(value)


@keeps(schema_of(_text))
def relative_name(value: Any) -> str:
    """What a floating IP is called in its domain."""
    name = _name(value)
    if name.endswith("."):
        raise Unfit(f"{shown(value)} is fully qualified, and should be relative to its domain")
    if len(name) > LENGTH - 3:
        raise Unfit(f"{shown(value)} leaves no room for a domain")
    return name


@keeps(schema_of(_text))
def domain(value: Any) -> str:
    """A domain, with a dot at its end; empty: none."""
    name = _name(value)
    if name and not name.endswith("."):
        raise Unfit(f"{shown(value)} is not fully qualified: it must end with a dot")
    if len(name) > LENGTH - 2:
        raise Unfit(f"{shown(value)} leaves no room for a name")
    return name


def naming(name: str, alias: str, check: Check, *, put: bool = True) -> Attribute:
    """A name or a domain, for POST and perhaps PUT; empty when nobody says."""
    return Attribute(name=name, alias=alias, check=check, default="", post=True, put=put)


EXTENSIONS: Final = (
    Extension("dns-integration", "DNS Integration", "2015-08-15T18:00:00-00:00", "Ports and floating IPs have DNS names."),
    Extension(
        "dns-domain-ports", "dns_domain for ports", "2017-04-24T10:00:00-00:00", "A port can have a DNS domain of its own."
    ),
    Extension(
        "subnet-dns-publish-fixed-ip",
        "Subnet DNS publish fixed IP",
        "2019-05-24T10:00:00-00:00",
        "Addresses of a subnet can be published in DNS.",
    ),
)
"""Who publishes names is `server.peers`' business; here they are kept, shown, and told to the clients of DHCP."""
