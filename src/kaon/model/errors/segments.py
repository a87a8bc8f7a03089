"""Refusals about segments of networks, and the ranges that they are taken from."""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import BadRequest, Conflict, InvalidInput, NotFound


class SegmentNotFound(NotFound):
    """Segment {segment_id} could not be found."""


class SegmentInUse(Conflict):
    """Segment '{segment_id}' cannot be deleted: {reason}."""


class VlanIdInUse(Conflict):
    """The VLAN {vlan_id} on physical network {physical_network} is in use by another network."""


class SegmentsSetInConjunctionWithProviders(InvalidInput):
    """Segments and provider values cannot both be set."""


class SegmentsContainDuplicateEntry(InvalidInput):
    """Duplicate segment entry in request."""


class NoUpdateSubnetWhenMultipleSegmentsOnNetwork(BadRequest):
    """Network '{network_id}' has several segments: an existing subnet can be put on a segment only where there is one."""


class SubnetsNotAllAssociatedWithSegments(BadRequest):
    """Either all subnets of network '{network_id}' are on segments, or none is."""


class SubnetSegmentAssociationChangeNotAllowed(BadRequest):
    """A subnet that is on a segment stays there."""


class NetworkIdsDontMatch(BadRequest):
    """The subnet is on network '{subnet_network}', and segment '{segment_id}' is not."""


class HostNotCompatibleWithFixedIps(Conflict):
    """Host {host} is not on the segment where the addresses of port {port_id} are."""


class FixedIpsSubnetsNotOnSameSegment(BadRequest):
    """Addresses of one port must be on the same segment."""


class VlanTransparencyDriverError(BadRequest):
    """No back end carries the VLANs of its users: {backends}."""


class VlanQinqDriverError(BadRequest):
    """No back end carries VLANs inside VLANs: {backends}."""


class NetworkSegmentRangeNotFound(NotFound):
    """Network Segment Range {range_id} could not be found."""


class NetworkSegmentRangeNetTypeNotSupported(BadRequest):
    """Network type {type} does not support network segment ranges."""


class NetworkSegmentRangeReferencedByProject(Conflict):
    """Network Segment Range {range_id} is referenced by one or more project networks."""


class NetworkSegmentRangeDefaultReadOnly(BadRequest):
    """Network Segment Range {range_id} comes from the configuration and cannot be changed or deleted."""


class NetworkSegmentRangeOverlaps(Conflict):
    """Network segment range overlaps with range(s) with id {range_id}."""


class NetworkTunnelRangeError(BadRequest):
    """Invalid network tunnel range: '{tunnel_range}' - {error}."""


class NetworkVlanRangeError(BadRequest):
    """Invalid network VLAN range: '{vlan_range}' - '{error}'."""
