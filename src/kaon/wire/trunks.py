"""Trunks as hosts see them: entries of the scope of the host that their parent is bound to."""

import msgspec


class SubPort(msgspec.Struct, frozen=True, kw_only=True):
    """A port whose traffic goes through the trunk, under a tag of its own; the rest of it stands in its network.

    segmentation_type  vlan
    """

    port_id: str
    network_id: str
    segmentation_type: str
    segmentation_id: int


class Trunk(msgspec.Struct, frozen=True, tag="trunk", kw_only=True):
    """In `host:<h>`: the device of a port bound to this host carries others. port_id: the parent's."""

    id: str
    revision: int
    port_id: str
    admin_state_up: bool = True
    sub_ports: tuple[SubPort, ...] = ()

    @property
    def key(self) -> str:
        """Unique in the scope."""
        return f"trunk/{self.id}"
