"""Rules of QoS policies as hosts see them, inside what they count for."""

import msgspec


class QosRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a host is to do with the traffic of a port.

    kind       bandwidth_limit, minimum_bandwidth (kilobits a second), packet_rate_limit, minimum_packet_rate (thousand packets
               a second), dscp_marking
    direction  as the port's user sees it: ingress, egress, any; empty for marks, which are put on what the port sends
    amount     in the unit of the kind, or the mark
    burst      in kilobits or thousand packets; 0: the host chooses
    """

    kind: str
    direction: str = ""
    amount: int
    burst: int = 0
