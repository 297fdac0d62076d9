"""The content coding of a body (RFC 9110, 8.4), undone in pieces of bounded size, as browsers understand it.

1. A list of codings is undone from its end (RFC 9110, 8.4). A header that came twice is one list.
2. ``identity`` codes nothing, nor does what is the name of no coding: ``none``, ``utf-8``.
3. ``deflate`` is zlib's format, or the bare deflate that some servers send (RFC 9110, 8.4.1.2, its note).
4. A coding that is named again codes again only where the bytes say so: of two boxes that both name it, one did it.
5. Codings that exist and are not undone here are an error: the bytes are no text.

A few kilobytes can hold gigabytes, so one call decodes one piece at most. A caller that keeps pieces must bound their
number.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from harness.errors import PeerError

PIECE = 65_536
"""The most bytes that come out of a decoder at once."""

MOST_CODINGS = 5
"""Codings of one body that are undone; curl undoes as many."""

_UNDONE = ("gzip", "x-gzip", "deflate")
_NOT_UNDONE = ("br", "zstd", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip", "aes128gcm")
"""The rest of IANA's registry of content codings."""

_GZIP_OR_ZLIB, _BARE = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS  # told apart by their headers; without one
_GZIP_MAGIC = b"\x1f\x8b"


class CodingError(PeerError):
    """A body is not in the coding that its head names, or the coding is not understood."""


class Decoder(Protocol):
    """Undoes the content coding of one body. Raises ``CodingError`` where a body is not in it."""

    def pieces(self, data: bytes) -> Iterable[bytes]:
        """Decode the next bytes, as far as the pieces are asked for. An empty piece is work that brought nothing."""
        ...

    def finish(self) -> None:
        """The body is over: raise if it was cut short."""
        ...


def decoder(codings: str) -> Decoder:
    """Return the decoder of a ``Content-Encoding``. Raises ``CodingError`` for a coding that is not understood."""
    named = [name.strip().lower() for name in codings.split(",")]
    used = [name for name in named if name in _UNDONE]
    if len(used) > MOST_CODINGS or any(name in _NOT_UNDONE for name in named):
        raise CodingError(
            f"expected a body as it is, or in gzip or deflate at most {MOST_CODINGS} times, got it in {codings!r}"
        )
    made: Decoder | None = None
    for place, coding in enumerate(used):
        layer = _Compressed(coding, again=coding in used[place + 1 :])
        made = layer if made is None else _Layers(layer, made)
    return made or _Identity()


class _Identity:
    def pieces(self, data: bytes) -> Iterable[bytes]:
        return (data,)

    def finish(self) -> None:
        pass


class _Layers:
    """Undoes the coding that was applied last, and then those before it."""

    def __init__(self, last: Decoder, before: Decoder) -> None:
        self._last = last
        self._before = before

    def pieces(self, data: bytes) -> Iterator[bytes]:
        for piece in self._last.pieces(data):
            yield b""
            yield from self._before.pieces(piece)

    def finish(self) -> None:
        self._last.finish()
        self._before.finish()


class _Compressed:
    """A body of which the first two bytes tell how it is coded. ``again``: the same coding was undone before."""

    def __init__(self, coding: str, *, again: bool) -> None:
        self._coding = coding
        self._again = again
        self._head = b""
        self._body: Decoder | None = None  # None: the two bytes have not come

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._body is None:
            data = self._head + data
            if len(data) < len(_GZIP_MAGIC):
                self._head = data
                return
            self._body = self._decoder_of(data)
        yield from self._body.pieces(data)

    def finish(self) -> None:
        if self._body is not None:
            self._body.finish()
        elif self._head:
            raise CodingError(f"the body ended in the middle of its {self._coding}")

    def _decoder_of(self, data: bytes) -> Decoder:
        if data.startswith(_GZIP_MAGIC) or (self._coding == "deflate" and _is_zlib(data)):
            return _Inflate(self._coding, _GZIP_OR_ZLIB)
        if self._again:
            return _Identity()
        return _Inflate(self._coding, _BARE if self._coding == "deflate" else _GZIP_OR_ZLIB)


def _is_zlib(data: bytes) -> bool:
    """Return whether these bytes begin with a header of zlib's format (RFC 1950, 2.2)."""
    return data[0] & 0x0F == zlib.DEFLATED and not int.from_bytes(data[:2], "big") % 31


class _Inflate:
    """One format of zlib's. Of gzip one member follows the other (RFC 1952, 2.2)."""

    def __init__(self, coding: str, window: int) -> None:
        self._coding = coding
        self._window = window
        self._member = zlib.decompressobj(window)
        self._begun = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        piece = b""
        # After a full piece more may wait inside, although all input is taken.
        while data or (len(piece) == PIECE and not self._member.eof):
            if self._member.eof:
                self._member = zlib.decompressobj(self._window)
            self._begun = True
            try:
                piece = self._member.decompress(data, PIECE)
            except zlib.error as error:
                raise CodingError(f"expected a body in {self._coding}, got what is none: {error}") from error
            if piece:
                yield piece
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def finish(self) -> None:
        if self._begun and not self._member.eof:
            raise CodingError(f"the body ended in the middle of its {self._coding}")
