"""Tasks that serve the body of a context manager and end with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio


@asynccontextmanager
async def servants() -> AsyncIterator[trio.Nursery]:
    """Yield a nursery that is cancelled when the body ends.

    The one exception that ended it, the body's or a servant's, comes out bare: the opener of a Toxiproxy catches
    ``ToxiproxyFault`` and should not have to know that there is a nursery inside.
    """
    try:
        async with trio.open_nursery() as nursery:
            yield nursery
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        only: BaseException = group
        while isinstance(only, BaseExceptionGroup) and len(only.exceptions) == 1:
            only = only.exceptions[0]
        if only is group:
            raise
        raise only from only.__cause__
