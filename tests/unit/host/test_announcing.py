"""Announcements, byte by byte."""

import struct

from kaon.host.kernel.announcing import frames

MAC = bytes.fromhex("fa163e000001")


def test_arp_is_announced_as_request_and_reply() -> None:
    """Sender and target are both the address (RFC 5227); everybody on the link is spoken to."""
    request, reply = frames(MAC, "203.0.113.7")
    address = bytes((203, 0, 113, 7))
    assert request == b"\xff" * 6 + MAC + bytes.fromhex("08060001080006040001") + MAC + address + b"\xff" * 6 + address
    assert reply == b"\xff" * 6 + MAC + bytes.fromhex("08060001080006040002") + MAC + address + MAC + address


def test_an_advertisement_is_whole() -> None:
    """It goes to all nodes with the override flag, hop limit 255 and a checksum that adds up (RFC 4443 2.3)."""
    (frame,) = frames(MAC, "2001:db8::7")
    ethernet, header, icmp = frame[:14], frame[14:54], frame[54:]
    assert ethernet == bytes.fromhex("333300000001") + MAC + bytes.fromhex("86dd")
    assert (header[6], header[7], struct.unpack(">H", header[4:6])[0]) == (58, 255, len(icmp))
    assert (icmp[0], icmp[4] & 0x20, icmp[8:24], icmp[24:]) == (136, 0x20, header[8:24], b"\x02\x01" + MAC)
    total = sum(struct.unpack(f">{len(icmp) // 2}H", icmp)) + sum(struct.unpack(">16H", header[8:40])) + len(icmp) + 58
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF
