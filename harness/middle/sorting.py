"""The sorting of a client's bytes into the server's and a box's: whole requests, once their heads are whole.

It works behind the radio, on bytes whose requests have been read before it: so it knows each message by its offsets,
and looks into a head only to write the request's number there, by which the server names it too.
"""

import re
from collections import deque
from collections.abc import Callable

from harness.middle.asking import Exchange
from harness.vocabulary import REQUEST_HEADER

_MARK = REQUEST_HEADER.encode()
_OTHERS = re.compile(rb"(?im)^%s:.*\n(?:[ \t].*\n)*" % re.escape(_MARK))
"""Lines of that name which the client sent, with their continuations: only the gate numbers requests."""


class Sorter:
    """Sorts the upstream bytes of one flow. ``decide`` is told of each request when its head has passed the radio.

    A head waits until it is whole. The reader before it gives up on one that is too long, which bounds what waits.
    """

    def __init__(self, decide: Callable[[Exchange], None]) -> None:
        self._decide = decide
        self._coming: deque[Exchange] = deque()  # heads read, which have not passed the radio yet
        self._current: Exchange | None = None  # whose body passes now
        self._withheld = b""  # of a head that is not whole yet
        self._passed = 0  # offset in what the client sent

    def __len__(self) -> int:
        """Return how many requests are known and not decided."""
        return len(self._coming)

    def expect(self, exchange: Exchange) -> None:
        """This request is coming."""
        self._coming.append(exchange)

    def sort(self, data: bytes) -> bytes:
        """Return what of these bytes, and of those withheld, goes to the server: of a body mostly the same object."""
        at = self._passed - len(self._withheld)
        self._passed += len(data)
        rest, self._withheld = self._withheld + data if self._withheld else data, b""
        out: list[bytes] = []
        while rest:
            exchange = self._current
            if exchange is not None:
                upto = len(rest) if exchange.end is None else min(len(rest), exchange.end - at)
                if upto and not exchange.kept:
                    out.append(rest if upto == len(rest) else rest[:upto])
            elif self._coming and self._coming[0].head <= at + len(rest):
                self._current = exchange = self._coming.popleft()
                self._decide(exchange)
                upto = exchange.head - at
                if not exchange.kept:
                    out.append(_marked(rest[:upto], exchange.rid))
            else:
                self._withheld = rest
                break
            at, rest = at + upto, rest[upto:]
            if at == exchange.end:
                self._current = None
        return out[0] if len(out) == 1 else b"".join(out)

    def give_up(self) -> bytes:
        """Sort no more; return what was withheld."""
        withheld, self._withheld = self._withheld, b""
        self._coming.clear()
        self._current = None
        return withheld


def _marked(head: bytes, rid: int) -> bytes:
    """Return a request's head with its number, in the first line behind the request line."""
    line, _, fields = head.partition(b"\n")
    return b"%s\n%s: %d\r\n%s" % (line, _MARK, rid, _OTHERS.sub(b"", fields))
