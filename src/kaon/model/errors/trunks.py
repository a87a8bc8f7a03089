"""Refusals about trunks and their sub-ports."""
# the names are Neutron's API, not ours to choose

from kaon.model.errors import Conflict, NotFound


class TrunkNotFound(NotFound):
    """Trunk {trunk_id} could not be found."""


class SubPortNotFound(NotFound):
    """Port {port_id} is no sub-port of trunk {trunk_id}."""


class TrunkPortInUse(Conflict):
    """Port {port_id} is a sub-port of a trunk already."""


class ParentPortInUse(Conflict):
    """Port {port_id} is the parent of a trunk already."""


class DuplicateSubPort(Conflict):
    """Trunk {trunk_id} already uses {segmentation_type} {segmentation_id}."""


class SubPortMtuGreaterThanTrunkPortMtu(Conflict):
    """Packets of sub-port {port_id} (MTU {port_mtu}) do not fit through trunk {trunk_id} (MTU {trunk_mtu})."""


class PortInUseAsTrunkParent(Conflict):
    """Port {port_id} is the parent of trunk {trunk_id}."""


class PortInUseAsSubPort(Conflict):
    """Port {port_id} is a sub-port of trunk {trunk_id}."""


class TrunkDisabled(Conflict):
    """Trunk {trunk_id} is administratively down: its sub-ports stay as they are, and it cannot be deleted."""


class TrunkInErrorState(Conflict):
    """Trunk {trunk_id} is in status ERROR; that must be resolved before sub-ports are added."""
