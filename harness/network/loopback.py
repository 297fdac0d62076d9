"""Loopback: which addresses never leave this host. A name is none: it is worth what it resolves to (``kernel``).

127.0.0.0/8 (RFC 1122, 3.2.1.3) and ::1 (RFC 4291, 2.5.3); an IPv4 address mapped into IPv6 is judged as that one.
"""

import ipaddress

LOCALHOST = "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Return whether this IP address is loopback; False for a name, and for what is neither."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
