"""What the fake ruleset refuses, the kernel refuses too."""

import pytest

from filter_worlds import REFUSED, START
from ground import command, on_own_ground
from kaon.host.kernel.nftables import Nft, NftRefusedError

pytestmark = pytest.mark.root


@on_own_ground
def test_the_fakes_teeth_are_the_kernels() -> None:
    """Each text that the fake does not take is not taken here, and leaves nothing."""
    with Nft() as nft:
        nft.write(START)
        for text in REFUSED:
            with pytest.raises(NftRefusedError):
                nft.write(f"add chain inet kaon three\n{text}\n")
    assert "three" not in command("nft list ruleset")
