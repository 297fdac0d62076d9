"""Proxies and shapes on a Toxiproxy server, real or embedded: what a run asks for, and what the server says it did."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from harness.errors import ToxiproxyFault
from harness.seams import Address, Direction
from harness.toxics import Shape, ToxicSpec, toxics_of
from harness.toxiproxy.address import BadAddress, join_address, split_address
from harness.toxiproxy.calls import Json, check_name

Kind = Literal["embedded", "real", "simulated"]


class Proxies(Protocol):
    """One run's proxies, in either world. Every method may raise ``ToxiproxyFault``."""

    @property
    def kind(self) -> Kind:
        """Whose they are."""
        ...

    @property
    def version(self) -> str:
        """The server's version."""
        ...

    @property
    def control_seconds(self) -> list[float]:
        """How long each call of the API took, in order."""
        ...

    async def add(self, name: str, upstream: Address) -> Address:
        """Create a proxy to ``upstream`` and return where it listens."""
        ...

    async def shape(self, name: str, shape: Shape, direction: Direction | None = None) -> dict[str, str]:
        """Give a proxy this shape, in one direction or both, and return all of its toxics in words."""
        ...

    async def names(self) -> tuple[str, ...]:
        """The proxies of this run that are there, sorted."""
        ...

    async def heal(self) -> None:
        """Remove every proxy of this run."""
        ...


class Calls(Protocol):
    """Calls of one server's API. Each raises ``ToxiproxyFault``; ``seconds`` keeps how long each one took."""

    seconds: list[float]

    async def get(self, path: str) -> Any:
        """Return the answer to a GET, decoded."""
        ...

    async def post(self, path: str, body: Json) -> Any:
        """Return the answer to a POST, decoded."""
        ...

    async def delete(self, path: str) -> bool:
        """Delete, and say whether there was something."""
        ...


class Toxiproxy:
    """One run's proxies on one server. Made by ``open_toxiproxy``; every method may raise ``ToxiproxyFault``.

    ``prefix`` stands before each proxy's name on the server, so that runs can share one; names given and returned are
    without it.
    """

    def __init__(self, kind: Kind, version: str, calls: Calls, *, prefix: str) -> None:
        self.kind = kind
        self.version = version
        self._calls = calls
        self._prefix = prefix
        self._made: list[str] = []

    @property
    def control_seconds(self) -> list[float]:
        """How long each call of the API took, in order."""
        return self._calls.seconds

    async def add(self, name: str, upstream: Address) -> Address:
        """Create a proxy to ``upstream`` and return where it listens."""
        full = check_name(self._prefix + name)
        self._made.append(name)
        body = {"name": full, "listen": "127.0.0.1:0", "upstream": join_address(upstream), "enabled": True}
        await self._calls.post("/proxies", body)
        proxy = await self._calls.get(f"/proxies/{full}")
        if not proxy.get("enabled"):
            raise ToxiproxyFault(f"Toxiproxy made the proxy {full} but did not start it: {proxy!r}")
        try:
            return split_address(proxy["listen"])
        except BadAddress as error:
            raise ToxiproxyFault(f"Toxiproxy says that {full} listens on {proxy['listen']!r}: {error}") from error

    async def shape(self, name: str, shape: Shape, direction: Direction | None = None) -> dict[str, str]:
        """Give a proxy this shape, in one direction or both, and return its toxics as the server then has them.

        Connections that are open feel as little as can be: a toxic of a type that is there is updated in place, an
        equal one left alone. So a toxic that comes later stands later in the chain. Raises ``ToxiproxyFault`` also
        where the server says it did something else.
        """
        directions = (direction,) if direction is not None else tuple(Direction)
        wanted = {spec.name: spec for each in directions for spec in toxics_of(shape, each)}
        there = {toxic["name"]: toxic for toxic in await self._list(name) if toxic["stream"] in directions}
        path = f"/proxies/{self._prefix}{name}/toxics"
        for gone in there.keys() - wanted.keys():
            await self._calls.delete(f"{path}/{gone}")
        for spec in wanted.values():
            if spec.name not in there:
                await self._calls.post(path, _body(spec))
            elif _differs(there[spec.name], spec):
                body = {"attributes": spec.toxic.attributes, "toxicity": spec.toxicity}
                await self._calls.post(f"{path}/{spec.name}", body)
        return await self._checked(name, wanted, directions)

    async def names(self) -> tuple[str, ...]:
        """The proxies on the server that carry this run's prefix, sorted, without it."""
        found = [name for name in await self._calls.get("/proxies") if name.startswith(self._prefix)]
        return tuple(sorted(name.removeprefix(self._prefix) for name in found))

    async def toxics(self, name: str) -> dict[str, str]:
        """The toxics of a proxy as the server has them: name → ``"attribute=value …"``, in chain order."""
        return {toxic["name"]: _words(toxic) for toxic in await self._list(name)}

    async def heal(self) -> None:
        """Remove every proxy that this object made; those that are gone already are no error."""
        while self._made:
            await self._calls.delete(f"/proxies/{self._prefix}{self._made[-1]}")
            self._made.pop()

    async def _list(self, name: str) -> list[Json]:
        toxics: list[Json] = await self._calls.get(f"/proxies/{self._prefix}{name}/toxics")
        return toxics

    async def _checked(
        self, name: str, wanted: dict[str, ToxicSpec], directions: tuple[Direction, ...]
    ) -> dict[str, str]:
        """Read the toxics again, and compare: toxiproxy-python believes what it asked for."""
        now = await self._list(name)
        there = {toxic["name"]: toxic for toxic in now if toxic["stream"] in directions}
        if there.keys() != wanted.keys() or any(_differs(there[key], spec) for key, spec in wanted.items()):
            asked = ", ".join(wanted) or "no toxic"
            raise ToxiproxyFault(
                f"asked Toxiproxy for {asked} on {name}, but it has {now!r}: does another program use it?"
            )
        return {toxic["name"]: _words(toxic) for toxic in now}


def _body(spec: ToxicSpec) -> Json:
    return {
        "name": spec.name,
        "type": spec.toxic.type,
        "stream": spec.stream,
        "toxicity": spec.toxicity,
        "attributes": spec.toxic.attributes,
    }


def _differs(toxic: Json, spec: ToxicSpec) -> bool:
    same = toxic["type"] == spec.toxic.type and toxic["toxicity"] == spec.toxicity
    return not same or toxic["attributes"] != spec.toxic.attributes


def _words(toxic: Json) -> str:
    return toxic_words(toxic["attributes"], toxic["toxicity"])


def toxic_words(attributes: Mapping[str, object], toxicity: float) -> str:
    """Return ``"latency=35 jitter=15"``; a toxicity other than 1 comes last."""
    words = [f"{key}={value}" for key, value in attributes.items()]
    if toxicity != 1:
        words.append(f"toxicity={toxicity:g}")
    return " ".join(words)
