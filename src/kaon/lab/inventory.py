"""What a host has in its kernel and its directories, as one value: before and after, it shows what was left or touched."""

import json
from dataclasses import dataclass
from typing import Any

from kaon.lab.nodes import node, run_inside
from kaon.lab.topology import Lab

# One shell for a whole host: for each network namespace a line "@ name", then one JSON document a line, the packet filter last.
_LOOK = r"""
look() {
    echo "@ $1"
    shift
    "$@" ip -d -j link | tr -d '\n'; echo
    "$@" ip -j addr | tr -d '\n'; echo
    "$@" ip -j neigh show nud permanent | tr -d '\n'; echo
    "$@" bridge -j fdb | tr -d '\n'; echo
    "$@" nft -s list ruleset
}
look ""
for name in $(ls /run/netns 2>/dev/null | sort); do
    look "$name" nsenter --net="/run/netns/$name" --
done
echo "@@ processes"
ps -eo pid=,args=
echo "@@ files"
find /run/kaon /var/lib/kaon -type f 2>/dev/null | sort
"""
_DAEMONS = ("dnsmasq", "radvd", "keepalived", "haproxy")
_SELF = ("/var/lib/kaon/etc/",)


@dataclass(frozen=True)
class Link:
    """One device. netns: "" is the host's own; master: its bridge, "" for none; addresses with lengths, no link-local."""

    netns: str
    name: str
    index: int
    kind: str
    master: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Inventory:
    """What a host has.

    links       all devices of all its namespaces
    namespaces  names under /run/netns
    rules       (namespace, packet filter as text without counters)
    forwarding  (namespace, device, MAC, destination or "") of the static entries of bridges and tunnels
    neighbours  (namespace, device, address, MAC), permanent ones
    daemons     (pid in the host, command line) of dnsmasq and the like
    files       below /run/kaon and /var/lib/kaon, configuration aside
    """

    links: frozenset[Link]
    namespaces: frozenset[str]
    rules: frozenset[tuple[str, str]]
    forwarding: frozenset[tuple[str, str, str, str]]
    neighbours: frozenset[tuple[str, str, str, str]]
    daemons: frozenset[tuple[int, str]]
    files: frozenset[str]

    def link(self, name: str, netns: str = "") -> Link | None:
        """A device by name."""
        return next((link for link in self.links if link.name == name and link.netns == netns), None)

    def rules_in(self, netns: str = "") -> str:
        """The packet filter of a namespace as text."""
        return dict(self.rules).get(netns, "")


def _links(netns: str, links: list[dict[str, Any]], addresses: list[dict[str, Any]]) -> frozenset[Link]:
    by_name = {
        row["ifname"]: tuple(
            f"{one['local']}/{one['prefixlen']}"
            for one in row.get("addr_info", [])
            if one.get("scope") == "global" and "local" in one
        )
        for row in addresses
        if row
    }
    return frozenset(
        Link(
            netns=netns,
            name=row["ifname"],
            index=row["ifindex"],
            kind=row.get("linkinfo", {}).get("info_kind", ""),
            master=row.get("master", ""),
            addresses=by_name.get(row["ifname"], ()),
        )
        for row in links
        if row
    )


def take(lab: Lab, host: str) -> Inventory:
    """Look at a host. LabError when it is off."""
    text = run_inside(node(lab, host).pid, ["sh", "-c", _LOOK]).stdout
    kernel, _, rest = text.partition("@@ processes\n")
    processes, _, files = rest.partition("@@ files\n")
    links: frozenset[Link] = frozenset()
    names, rules = set(), set()
    forwarding: set[tuple[str, str, str, str]] = set()
    neighbours: set[tuple[str, str, str, str]] = set()
    for part in kernel.split("@ ")[1:]:
        name, links_json, addresses_json, neighbours_json, forwarding_json, *filters = part.split("\n")
        names.add(name)
        links |= _links(name, json.loads(links_json or "[]"), json.loads(addresses_json or "[]"))
        neighbours |= {(name, row["dev"], row["dst"], row.get("lladdr", "")) for row in json.loads(neighbours_json or "[]")}
        forwarding |= {
            (name, row["ifname"], row["mac"], row.get("dst", ""))
            for row in json.loads(forwarding_json or "[]")
            if row.get("state") in ("permanent", "static") and not row["mac"].startswith(("33:33:", "01:00:5e:"))
        }
        rules.add((name, "\n".join(filters).strip()))
    pairs = [line.split(None, 1) for line in processes.splitlines()]
    return Inventory(
        links=links,
        namespaces=frozenset(names - {""}),
        rules=frozenset(rules),
        forwarding=frozenset(forwarding),
        neighbours=frozenset(neighbours),
        daemons=frozenset((int(pid), line) for pid, line in pairs if line.split()[0].rpartition("/")[2] in _DAEMONS),
        files=frozenset(path for path in files.split() if not path.startswith(_SELF)),
    )
