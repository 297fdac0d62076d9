"""Which of a client's bytes are the server's, and which a box's: whole requests, as their heads are known.

It works behind the radio, on bytes whose requests have been read before it: so it knows each message by its offsets,
and looks at no byte itself.
"""

from collections import deque
from collections.abc import Callable

from harness.middle.asking import Exchange
from harness.middle.heads import LONGEST_HEAD


class Sorter:
    """Sorts the upstream bytes of one flow. ``decide`` is told of each request when its first bytes pass the radio.

    ``waits`` says whether a head that is not whole must wait, since an act might answer it.
    """

    def __init__(self, *, decide: Callable[[Exchange, bool], None], waits: Callable[[], bool]) -> None:
        self._decide = decide
        self._waits = waits
        self._coming: deque[Exchange] = deque()  # heads read, whose bytes have not passed the radio yet
        self._current: Exchange | None = None  # whose bytes pass now
        self._withheld = b""  # of a head that is not whole yet
        self._committed = False  # the beginning of that head has passed already: it is the server's
        self._passed = 0  # offset in what the client sent

    def __len__(self) -> int:
        """How many requests are known and not decided."""
        return len(self._coming)

    def expect(self, exchange: Exchange) -> None:
        """This request is coming."""
        self._coming.append(exchange)

    def sort(self, data: bytes) -> bytes:
        """Return what of these bytes, and of those withheld, goes to the server: the same object where all does."""
        at = self._passed - len(self._withheld)
        self._passed += len(data)
        rest, self._withheld = self._withheld + data if self._withheld else data, b""
        out: list[bytes] = []
        while rest:
            exchange = self._next()
            if exchange is None:
                self._begin(rest, out)
                break
            upto = len(rest) if exchange.end is None else min(len(rest), exchange.end - at)
            if not exchange.kept:
                out.append(rest if upto == len(rest) else rest[:upto])
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

    def _next(self) -> Exchange | None:
        """Return the request that the next byte belongs to, if its head is known."""
        if self._current is None and self._coming:
            self._current = self._coming.popleft()
            committed, self._committed = self._committed, False
            self._decide(self._current, committed)
        return self._current

    def _begin(self, part: bytes, out: list[bytes]) -> None:
        """Withhold the beginning of a head, or let it pass for good."""
        if self._committed or len(part) > LONGEST_HEAD or not self._waits():
            self._committed = True
            out.append(part)
        else:
            self._withheld = part
