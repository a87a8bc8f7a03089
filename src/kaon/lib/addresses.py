"""IPv4, IPv6 and MAC addresses as values and text. Both families alike."""

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Ip = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network

IPV4 = 4
IPV6 = 6

_HEX_DIGITS = 32
_MAC_DIGITS = 12


def to_hex(address: Ip | str) -> str:
    """Write an address as 32 hexadecimal digits, so that text sorts as the number does."""
    return f"{int(ipaddress.ip_address(address)):0{_HEX_DIGITS}x}"


def from_hex(digits: str, version: int) -> Ip:
    """Read what `to_hex` wrote, for IP version 4 or 6."""
    number = int(digits, 16)
    return IPv4Address(number) if version == IPV4 else IPv6Address(number)


def hex_of(number: int) -> str:
    """Write a number as 32 hexadecimal digits."""
    return f"{number:0{_HEX_DIGITS}x}"


def normal_mac(text: str) -> str:
    """Write a MAC address in any notation as six lower-case pairs with colons. Errors: ValueError."""
    digits = "".join(character for character in text.lower() if character not in ":-.")
    if len(digits) != _MAC_DIGITS or any(character not in "0123456789abcdef" for character in digits):
        raise ValueError(f"{text!r} is not a MAC address")
    return ":".join(digits[at : at + 2] for at in range(0, _MAC_DIGITS, 2))


def eui64(prefix: IPv6Network, mac: str) -> IPv6Address:
    """Derive the address that a stateless client with this MAC gives itself under a /64 prefix (RFC 4291, appendix A)."""
    octets = bytes.fromhex(normal_mac(mac).replace(":", ""))
    interface = bytes([octets[0] ^ 0x02, octets[1], octets[2], 0xFF, 0xFE, octets[3], octets[4], octets[5]])
    return IPv6Address(int(prefix.network_address) | int.from_bytes(interface))


def first_and_last_usable(prefix: Prefix) -> tuple[Ip, Ip]:
    """Give the first and last address that a machine may have.

    IPv4 loses network and broadcast address unless it is a /31 or /32; IPv6 loses the subnet-router anycast address unless
    it is a /127 or /128.
    """
    first, last = prefix[0], prefix[-1]
    if prefix.num_addresses <= 2:  # noqa: PLR2004  # /31, /32, /127, /128 use every address (RFC 3021, RFC 6164)
        return first, last
    return first + 1, (last - 1 if isinstance(prefix, IPv4Network) else last)
