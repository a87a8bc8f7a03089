"""What all entries of scopes have in common, and the union of them.

An entry is a frozen value with a key that is unique inside its scope. Entries are compared by value; a delta carries
whole entries, never fields of one. Tags are short and never reused.
"""

from kaon.wire.address_groups import AddressPrefix
from kaon.wire.floatingips import FloatingIp
from kaon.wire.networks import Endpoint, Network
from kaon.wire.ports import GroupMember, HostPort, NetworkPort, RouterPort
from kaon.wire.routers import HostedRouter, Router
from kaon.wire.security_groups import Rule, SecurityGroup
from kaon.wire.subnets import ServedNetwork, Subnet
from kaon.wire.trunks import Trunk

Entry = (
    HostPort
    | ServedNetwork
    | HostedRouter
    | Trunk
    | Network
    | Subnet
    | NetworkPort
    | Endpoint
    | SecurityGroup
    | Rule
    | GroupMember
    | AddressPrefix
    | Router
    | RouterPort
    | FloatingIp
)
