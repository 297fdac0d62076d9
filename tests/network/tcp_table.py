"""The kernel's own table of TCP sockets (Linux): what tests hold against what the harness says of a dial."""

import socket
import struct
from pathlib import Path
from typing import NamedTuple

from harness.seams import Address

TCP_TABLE = Path("/proc/net/tcp")
ESTABLISHED, SYN_SENT, LISTEN = 0x01, 0x02, 0x0A


class TcpRow(NamedTuple):
    """A socket in the table; ``state`` is the kernel's number (include/net/tcp_states.h)."""

    local: Address
    remote: Address
    state: int


def tcp_rows(table: Path = TCP_TABLE) -> list[TcpRow]:
    lines = table.read_text(encoding="ascii").splitlines()[1:]
    return [TcpRow(_address(row[1]), _address(row[2]), int(row[3], 16)) for row in map(str.split, lines)]


def syn_sent(port: int) -> tuple[int, ...]:
    """Return the source ports of unanswered dials to this port, sorted."""
    return tuple(sorted(row.local[1] for row in tcp_rows() if row.state == SYN_SENT and row.remote[1] == port))


def _address(text: str) -> Address:
    host, port = text.split(":")
    return socket.inet_ntoa(struct.pack("=I", int(host, 16))), int(port, 16)
