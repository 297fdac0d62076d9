"""Reads the body of a response: decoded, in pieces of bounded size, and left at any moment.

The client asks for ``identity`` everywhere, since an event that waits in a compressor is late. A server or a box on the
way that compresses all the same, or says so and does not, is understood (``harness.sse.coding``).
"""

from collections.abc import Iterator
from typing import Self

import httpx
import trio

from harness.sse.coding import CodingError, decoder


class ResponseBody:
    """The body of one response, to be iterated, and left at any moment. Raises ``httpx.HTTPError`` where it breaks."""

    def __init__(self, response: httpx.Response) -> None:
        try:
            self._decoder = decoder(response.headers.get("content-encoding", ""))
        except CodingError as error:
            raise httpx.DecodingError(str(error)) from error
        assert isinstance(response.stream, httpx.AsyncByteStream)
        self._chunks = aiter(response.stream)
        self._pieces: Iterator[bytes] = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next bytes, never none."""
        try:
            piece = next(self._pieces, None)
            while True:
                if piece is not None:
                    await trio.lowlevel.checkpoint()  # a chunk of a thousand pieces shall not keep others from running
                while piece is None:
                    self._pieces = iter(self._decoder.pieces(await self._chunk()))
                    piece = next(self._pieces, None)
                if piece:
                    return piece
                piece = next(self._pieces, None)
        except CodingError as error:
            raise httpx.DecodingError(str(error)) from error

    async def _chunk(self) -> bytes:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            self._decoder.finish()
            raise
