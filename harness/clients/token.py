"""The token of a client, and its renewal in single flight."""

import math
from collections.abc import Awaitable, Callable

import httpx
import msgspec
import trio


class TokenAnswer(msgspec.Struct, rename="camel"):
    """The server's answer. What it says in ``expires_in`` is a help where it is a number of seconds, and no more."""

    token: str
    expires_in: object = None

    @property
    def lasts(self) -> float:
        """For how many seconds it lasts; infinite where that is not known."""
        said = self.expires_in
        return float(said) if isinstance(said, int | float) and said > 0 else math.inf


class BearerToken:
    """The token that authorizes requests; ``value`` None: none yet.

    ``ask`` asks the server for a new one: None where it refused, ``httpx.HTTPError`` where no answer came. ``lapsed``:
    it may have run out by now, if its server said for how long it lasts; so a 401 says nothing of it.
    """

    def __init__(self, value: str | None, ask: Callable[[], Awaitable[TokenAnswer | None]]) -> None:
        self._value = value
        self._ask = ask
        self._expiry = math.inf
        self._flight: _Flight | None = None
        self.renewals = 0

    @property
    def authorization(self) -> str:
        """The value of ``Authorization``; empty where there must be none."""
        return "" if self._value is None else f"Bearer {self._value}"

    @property
    def lapsed(self) -> bool:
        """True if its life may be over."""
        return trio.current_time() >= self._expiry

    async def renew(self, refused: str) -> bool:
        """See that there is another one than the ``Authorization`` that was refused; False where none is to be had.

        A caller that comes while another asks waits for that answer and takes it: a token, a refusal or a failure.
        Where the other was cancelled before it had an answer, the next caller asks. Raises ``httpx.HTTPError``.
        """
        while refused == self.authorization:
            if self._flight is None:
                return await self._fly()
            flight = self._flight
            await flight.landed.wait()
            if flight.failure is not None:
                raise httpx.TransportError(f"the token could not be refreshed: {flight.failure}") from flight.failure
            if flight.renewed is not None:
                return flight.renewed
        return True

    async def _fly(self) -> bool:
        self._flight = flight = _Flight()
        self.renewals += 1
        asked = trio.current_time()
        try:
            issued = await self._ask()
            flight.renewed = issued is not None
            if issued is not None:
                self._value, self._expiry = issued.token, asked + issued.lasts  # it was issued no earlier
        except httpx.HTTPError as error:
            flight.failure = error
            raise
        finally:
            self._flight = None
            flight.landed.set()
        return flight.renewed


class _Flight:
    """One renewal under way, and what came of it: neither, where it was cancelled."""

    def __init__(self) -> None:
        self.landed = trio.Event()
        self.renewed: bool | None = None
        self.failure: httpx.HTTPError | None = None
