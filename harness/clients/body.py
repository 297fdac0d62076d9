"""Reads the body of a response: decoded, in pieces of bounded size, and left at any moment.

The client asks for ``identity`` everywhere, since an event that waits in a compressor is late. A server or a box on the
way that compresses all the same is understood where it uses gzip or deflate. A few kilobytes of either can hold
gigabytes, so no more than a piece is ever decoded at once; whoever keeps the pieces bounds how many.
"""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

import httpx
import trio

PIECE = 65_536
"""The most bytes that come out of a decoder at once."""

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # by their headers


class Decoder(Protocol):
    """Undoes the content coding of one body. Raises ``httpx.DecodingError`` where a body is not in it."""

    def pieces(self, data: bytes) -> Iterable[bytes]:
        """Decode the next bytes, as far as the pieces are asked for."""
        ...

    def finish(self) -> None:
        """The body is over: raise if it was cut short."""
        ...


class Body:
    """The body of one response, to be iterated within ``async with``. Raises ``httpx.HTTPError`` where it breaks.

    It may be left early, also by an exception or a cancellation. httpcore and httpx read through a chain of async
    generators; left suspended, they would be found by the garbage collector, which can only complain. So what is left
    unread is read on with the reading cancelled, which ends every one of them from within.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._decoder = decoder(response.headers.get("content-encoding", ""))
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._chunks = aiter(response.stream)
        self._pieces: Iterator[bytes] = iter(())
        self._over = False  # the chain has ended by itself

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._over:
            return
        with trio.CancelScope(shield=True) as scope, suppress(httpx.HTTPError):
            scope.cancel()
            async for _ in self._chunks:
                pass

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next bytes, never none."""
        if piece := next(self._pieces, b""):
            await trio.lowlevel.checkpoint()  # a chunk of a thousand pieces shall not keep others from running
        while not piece:
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                self._over = True
                self._decoder.finish()
                raise
            self._pieces = iter(self._decoder.pieces(chunk))
            piece = next(self._pieces, b"")
        return piece


def decoder(coding: str) -> Decoder:
    """Return what undoes a ``Content-Encoding``. Raises ``httpx.DecodingError`` for one that is not understood."""
    match coding.strip().lower():
        case "" | "identity":
            return _Identity()
        case "gzip" | "x-gzip" | "deflate":
            return _Inflate(coding)
    raise httpx.DecodingError(f"expected a body as it is, or in gzip or deflate, got it in {coding!r}")


class _Identity:
    def pieces(self, data: bytes) -> Iterable[bytes]:
        return (data,)

    def finish(self) -> None:
        pass


class _Inflate:
    """gzip (one member after the other: RFC 1952, 2.2) and deflate (in zlib's format: RFC 9110, 8.4.1.2)."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._member = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._begun = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        piece = b""
        # After a full piece more may wait inside, although all input is taken.
        while data or (len(piece) == PIECE and not self._member.eof):
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP_OR_ZLIB)
            self._begun = True
            try:
                piece = self._member.decompress(data, PIECE)
            except zlib.error as error:
                raise httpx.DecodingError(f"expected a body in {self._coding}, got what is none: {error}") from error
            if piece:
                yield piece
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def finish(self) -> None:
        if self._begun and not self._member.eof:
            raise httpx.DecodingError(f"the body ended in the middle of its {self._coding}")
