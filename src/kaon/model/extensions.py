"""Which extensions this server carries out: what is not carried out is not advertised, for clients act on this list."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Extension:
    """One alias as `GET /v2.0/extensions` shows it.

    updated  the time of Neutron's own definition
    awaits   what no host carries out yet; while there is something the alias is not advertised, though its API works
    """

    alias: str
    name: str
    updated: str
    description: str
    awaits: str = ""

    def document(self) -> dict[str, object]:
        """The item of the answer."""
        return {
            "alias": self.alias,
            "name": self.name,
            "description": self.description,
            "updated": self.updated,
            "links": [],
        }


EXTENSIONS: Final[tuple[Extension, ...]] = (
    Extension("agent", "agent", "2013-02-03T10:00:00-00:00", "Agents on hosts: who is there, alive, and enabled."),
    Extension("agent_sort_key", "Agents Sort Key", "2013-02-03T10:00:00-00:00", "Lists of agents can be sorted."),
    Extension(
        "allowed-address-pairs",
        "Allowed Address Pairs",
        "2013-07-23T10:00:00-00:00",
        "Addresses besides its own that a port may send as.",
    ),
    Extension("binding", "Port Binding", "2014-02-03T10:00:00-00:00", "Where a port is, and how it is plugged there."),
    Extension(
        "default-subnetpools",
        "Default Subnetpools",
        "2016-02-18T18:00:00-00:00",
        "A subnet can be taken from the default subnet pool.",
    ),
    Extension(
        "empty-string-filtering",
        "Empty String Filtering Extension",
        "2018-05-01T10:00:00-00:00",
        "An empty value in a filter looks for empty attributes.",
    ),
    Extension(
        "ext-gw-mode",
        "Neutron L3 Configurable external gateway mode",
        "2013-03-28T10:00:00-00:00",
        "Source NAT of a router gateway can be switched off.",
    ),
    Extension("external-net", "Neutron external network", "2013-01-14T10:00:00-00:00", "Networks that lead outside."),
    Extension("extraroute", "Neutron Extra Route", "2013-02-01T10:00:00-00:00", "Static routes of a router."),
    Extension(
        "extraroute-atomic",
        "Atomically add/remove extra routes",
        "2019-07-10T00:00:00+00:00",
        "Static routes of a router can be added and removed one by one.",
    ),
    Extension(
        "filter-validation", "Filter parameters validation", "2018-07-04T10:00:00-00:00", "An unknown filter is refused."
    ),
    Extension(
        "fip-port-details",
        "Floating IP Port Details Extension",
        "2018-04-09T10:00:00-00:00",
        "Floating IPs show the port behind them.",
    ),
    Extension(
        "ip-substring-filtering",
        "IP address substring filtering",
        "2017-11-28T09:00:00-00:00",
        "Ports can be found by a part of an address.",
    ),
    Extension("net-mtu", "Network MTU", "2015-03-25T10:00:00-00:00", "Networks show how large a packet may be."),
    Extension("net-mtu-writable", "Network MTU (writable)", "2017-07-12T00:00:00-00:00", "The MTU of a network can be chosen."),
    Extension("network", "Neutron L2 Network", "2012-01-01T10:00:00-00:00", "Layer-2 networks."),
    Extension("pagination", "Pagination support", "2016-06-12T00:00:00-00:00", "Lists come in pages."),
    Extension("port", "Neutron Port", "2012-01-01T10:00:00-00:00", "Where something joins a network."),
    Extension(
        "port-security",
        "Port Security",
        "2012-07-23T10:00:00-00:00",
        "Anti-spoofing and security groups can be switched off for a port.",
    ),
    Extension(
        "port-security-groups-filtering",
        "Port filtering on security groups",
        "2018-01-09T09:00:00-00:00",
        "Ports can be found by security group.",
    ),
    Extension(
        "project-id", "project_id field enabled", "2016-09-09T09:09:09-09:09", "project_id is another name of tenant_id."
    ),
    Extension("provider", "Provider Network", "2012-09-07T10:00:00-00:00", "How a network maps to the physical one."),
    Extension("quota_details", "Quota details management support", "2017-02-10T10:00:00-00:00", "Quotas show what is used."),
    Extension(
        "quotas", "Quota management support", "2012-07-29T10:00:00-00:00", "How many of each resource a project may have."
    ),
    Extension(
        "revision-if-match",
        "If-Match constraints based on revision_number",
        "2016-12-11T00:00:00-00:00",
        "A change can demand the revision that the client has seen.",
    ),
    Extension("router", "Neutron L3 Router", "2012-07-20T10:00:00-00:00", "Routers and floating IPs."),
    Extension("security-group", "security-group", "2012-10-05T10:00:00-00:00", "What may pass to and from a port."),
    Extension(
        "security-groups-normalized-cidr",
        "Normalized CIDR field for security group rules",
        "2020-07-28T10:00:00-00:00",
        "Rules show their prefix without host bits.",
    ),
    Extension("sort-key-validation", "Sort keys validation", "2018-07-04T10:00:00-00:00", "An unknown sort key is refused."),
    Extension("sorting", "Sorting support", "2016-06-12T00:00:00-00:00", "Lists can be sorted."),
    Extension(
        "standard-attr-description",
        "standard-attr-description",
        "2016-02-10T10:00:00-00:00",
        "Resources have a description.",
    ),
    Extension(
        "standard-attr-revisions",
        "Resource revision numbers",
        "2016-04-11T10:00:00-00:00",
        "Resources count their changes.",
    ),
    Extension(
        "standard-attr-tag",
        "Tag support for resources with standard attribute",
        "2017-01-01T00:00:00-00:00",
        "Resources have tags, and can be found by them.",
    ),
    Extension(
        "standard-attr-timestamp",
        "Resource timestamps",
        "2016-09-12T10:00:00-00:00",
        "Resources say when they were made and changed.",
    ),
    Extension("subnet", "Neutron L3 Subnet", "2012-01-01T10:00:00-00:00", "Addresses of a network."),
    Extension("subnetpool", "Neutron L3 Subnet Pool", "2012-01-01T10:00:00-00:00", "Prefixes from which subnets get theirs."),
    Extension("subnet_allocation", "Subnet Allocation", "2015-03-30T10:00:00-00:00", "Subnets can be taken from subnet pools."),
    Extension(
        "subnet_onboard",
        "Subnet Onboard",
        "2018-12-18T09:00:00-00:00",
        "A subnet pool can take in the subnets of a network.",
    ),
    Extension(
        "subnetpool-prefix-ops",
        "Subnet Pool Prefix Operations",
        "2019-02-08T10:00:00-00:00",
        "Prefixes of a subnet pool can be added and removed one by one.",
    ),
    Extension(
        "tag-creation", "Tag creation extension", "2024-23-07T10:00:00-00:00", "A resource can be given several more tags."
    ),
    Extension(
        "tag-ports-during-bulk-creation",
        "Tag Ports During Bulk Creation",
        "2019-12-29T19:00:00-00:00",
        "Ports can be made with tags.",
    ),
)
"""Those of the core and of behaviour; others stand beside their nouns, and `model.catalogue` has all."""
