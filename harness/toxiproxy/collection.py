"""The proxies of one embedded server, and every change that the API can make to them.

Changes of the set and of a proxy's life are made one at a time, so that a caller sees the state that it made.
"""

import random
from collections.abc import Mapping

import trio

from harness.errors import EnvironmentFault
from harness.seams import Direction, Network
from harness.toxics import BadToxic, ToxicSpec, toxic_class
from harness.toxiproxy.address import BadAddress, join_address, listen_address
from harness.toxiproxy.bodies import (
    ApiError,
    Json,
    attributes_of,
    bad_body,
    fields,
    flag_of,
    number_of,
    text_of,
)
from harness.toxiproxy.proxy import Proxy


class Collection:
    """Proxies by name. Their tasks live in ``nursery``; all draws come from ``rng``."""

    def __init__(self, network: Network, nursery: trio.Nursery, rng: random.Random) -> None:
        self._network = network
        self._nursery = nursery
        self._rng = rng
        self._proxies: dict[str, Proxy] = {}
        self._lock = trio.Lock()

    @property
    def proxies(self) -> Mapping[str, Proxy]:
        """All proxies, sorted by name."""
        return dict(sorted(self._proxies.items()))

    def get(self, name: str) -> Proxy:
        """Return a proxy. Raises ``ApiError`` 404."""
        if name not in self._proxies:
            raise ApiError(404, "proxy not found")
        return self._proxies[name]

    async def create(self, value: object) -> Proxy:
        """Create a proxy from a request body, and start it unless it is disabled. Raises ``ApiError``."""
        members = fields(value)
        proxy = self._made(members, "")
        async with self._lock:
            if proxy.name in self._proxies:
                raise ApiError(409, "proxy already exists")
            await self._add(proxy, enabled=flag_of(members, "enabled", default=True))
        return proxy

    async def update(self, proxy: Proxy, value: object) -> None:
        """Move, enable or disable a proxy. Connections live on where listen and upstream stay the same.

        Raises ``ApiError``: where ``listen`` is no address that could be served, nothing has changed; where its port is
        taken, the proxy is disabled and has the new address, as in Toxiproxy.
        """
        members = fields(value)
        listen = text_of(members, "listen", proxy.listen)
        upstream = text_of(members, "upstream", proxy.upstream)
        enabled = flag_of(members, "enabled", default=proxy.enabled)
        async with self._lock:
            if _differs(proxy, listen, upstream):
                await proxy.stop()
                proxy.listen, proxy.upstream = listen, upstream
            if enabled and not proxy.enabled:
                await self._start(proxy)
            elif not enabled:
                await proxy.stop()

    async def delete(self, proxy: Proxy) -> None:
        """Close a proxy with all its connections, and forget it."""
        async with self._lock:
            await proxy.stop()
            self._proxies.pop(proxy.name, None)

    async def reset(self) -> None:
        """Start every proxy and remove every toxic; open connections live on. Raises ``ApiError`` 500."""
        async with self._lock:
            for proxy in self.proxies.values():
                if not proxy.enabled:
                    await self._start(proxy)
                for spec in tuple(proxy.toxics):
                    proxy.remove_toxic(spec)

    async def populate(self, value: object, done: list[Proxy]) -> None:
        """Create or replace many proxies in order, appending each to ``done``. Raises ``ApiError``.

        One that exists with the same listen and upstream stays as it is, toxics and connections included.
        """
        if value is not None and not isinstance(value, list):
            raise bad_body("expected an array")
        entries = [fields(entry) for entry in value or ()]
        made = [
            (self._made(members, f" at proxy {at}"), flag_of(members, "enabled", default=True))
            for at, members in enumerate(entries, 1)
        ]
        async with self._lock:
            for proxy, enabled in made:
                old = self._proxies.get(proxy.name)
                if old is not None and not _differs(old, proxy.listen, proxy.upstream):
                    done.append(old)
                    continue
                if old is not None:
                    await old.stop()
                    del self._proxies[old.name]
                await self._add(proxy, enabled=enabled)
                done.append(proxy)

    def toxic(self, proxy: Proxy, name: str) -> ToxicSpec:
        """Return a toxic of either stream. Raises ``ApiError`` 404."""
        for spec in proxy.toxics:
            if spec.name == name:
                return spec
        raise ApiError(404, "toxic not found")

    def add_toxic(self, proxy: Proxy, value: object) -> ToxicSpec:
        """Add a toxic from a request body. Checked in Toxiproxy's order: stream, type, duplicate, attributes."""
        members = fields(value)
        stream = text_of(members, "stream", Direction.DOWNSTREAM.value)
        type_name = text_of(members, "type", "")
        name = text_of(members, "name", "") or f"{type_name}_{stream}"
        toxicity = number_of(members, "toxicity", 1.0)
        attributes = attributes_of(members)
        if stream.lower() not in tuple(Direction):
            raise ApiError(400, "stream was invalid, can be either upstream or downstream")
        try:
            kind = toxic_class(type_name)
        except BadToxic as error:
            raise ApiError(400, str(error)) from error
        if any(spec.name == name for spec in proxy.toxics):
            raise ApiError(409, "toxic already exists")
        _refuse_slash(name)
        try:
            toxic = kind().replaced(attributes)
        except BadToxic as error:
            raise bad_body(str(error)) from error
        spec = ToxicSpec(name=name, stream=stream, toxic=toxic, toxicity=toxicity)
        proxy.add_toxic(spec)
        return spec

    def update_toxic(self, proxy: Proxy, spec: ToxicSpec, value: object) -> ToxicSpec:
        """Merge a request body into a toxic; its name, type and stream stay. On an error nothing has changed."""
        members = fields(value)
        try:
            toxic = spec.toxic.replaced(attributes_of(members))
        except BadToxic as error:
            raise bad_body(str(error)) from error
        toxicity = number_of(members, "toxicity", spec.toxicity)
        changed = ToxicSpec(name=spec.name, stream=spec.stream, toxic=toxic, toxicity=toxicity)
        proxy.update_toxic(changed)
        return changed

    def _made(self, members: Json, where: str) -> Proxy:
        name = text_of(members, "name", "")
        upstream = text_of(members, "upstream", "")
        for key, text in (("name", name), ("upstream", upstream)):
            if not text:
                raise ApiError(400, f"missing required field: {key}{where}")
        _refuse_slash(name)
        rng = random.Random(self._rng.getrandbits(64))  # noqa: S311 - repeatable, not secret
        return Proxy(name, text_of(members, "listen", ""), upstream, network=self._network, rng=rng)

    async def _add(self, proxy: Proxy, *, enabled: bool) -> None:
        if enabled:
            await self._start(proxy)
        self._proxies[proxy.name] = proxy

    async def _start(self, proxy: Proxy) -> None:
        try:
            await proxy.start(self._nursery)
        except BadAddress as error:
            raise ApiError(500, f"listen tcp: {error}") from error
        except EnvironmentFault as error:
            cause = error.__cause__
            why = (cause.strerror or str(cause)).lower() if isinstance(cause, OSError) else str(error)
            where = join_address(listen_address(proxy.listen))
            raise ApiError(500, f"listen tcp {where}: bind: {why}") from error


def _differs(proxy: Proxy, listen: str, upstream: str) -> bool:
    """Say whether a proxy has to move to be there. Raises ``ApiError`` 500 where ``listen`` is not to be served."""
    try:
        wanted = listen_address(listen)
    except BadAddress as error:
        raise ApiError(500, str(error)) from error
    try:
        return listen_address(proxy.listen) != wanted or upstream != proxy.upstream
    except BadAddress:  # it was made disabled, and never tried
        return True


def _refuse_slash(name: str) -> None:
    """Refuse what Toxiproxy would create and never find again: a name is one segment of a path."""
    if "/" in name:
        raise ApiError(400, f"a name may not contain '/': {name}")
