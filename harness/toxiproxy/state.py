"""The state of a proxy as the server tells it, and its difference from what the run last left there.

1. A run owns its proxies: from the moment it has made one until it removes it, no other party changes it.
2. So whatever a server says of one must be what the run last left: there, enabled, the same listen and upstream, the
   same toxics in the same order. The order counts, since toxics compose in it.
3. Another party made every difference, and what was measured through that proxy is no longer what the scenario
   says. A run that finds one ends; it never mends it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from harness.toxics import ToxicSpec
from harness.units import quote

_SPOKEN = 400  # characters of one difference


class ToxicState(msgspec.Struct, frozen=True, kw_only=True):
    """A toxic, as the API tells it. Fields that are not named here are skipped: releases differ in them."""

    name: str
    type: str
    stream: str
    toxicity: float = 1.0
    attributes: dict[str, Any] = {}

    @classmethod
    def of(cls, spec: ToxicSpec) -> "ToxicState":
        """Return what the API must tell of this toxic once it is there."""
        return cls(
            name=spec.name,
            type=spec.toxic.type,
            stream=str(spec.stream),
            toxicity=spec.toxicity,
            attributes=dict(spec.toxic.attributes),
        )

    @property
    def words(self) -> str:
        """``"latency=35 jitter=15"``."""
        return toxic_words(self.attributes, self.toxicity)


class ProxyState(msgspec.Struct, frozen=True, kw_only=True):
    """A proxy, as the API tells it. ``toxics``: upstream's first, each stream's in the order of its chain."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: list[ToxicState] = []

    @property
    def words(self) -> dict[str, str]:
        """All toxics: name → attributes in words."""
        return {toxic.name: toxic.words for toxic in self.toxics}


def toxic_words(attributes: Mapping[str, object], toxicity: float) -> str:
    """Return ``"latency=35 jitter=15"``; a toxicity other than 1 comes last."""
    words = [f"{key}={value}" for key, value in attributes.items()]
    if toxicity != 1:
        words.append(f"toxicity={toxicity:g}")
    return " ".join(words)


def reshaped(
    toxics: Sequence[ToxicState], wanted: Mapping[str, ToxicState], streams: Sequence[str]
) -> list[ToxicState]:
    """Return the toxics once these streams have the ``wanted`` ones: what stays keeps its place, new ones come last."""
    kept = [wanted.get(each.name, each) for each in toxics if each.stream not in streams or each.name in wanted]
    there = {each.name for each in kept}
    after = kept + [each for name, each in wanted.items() if name not in there]
    return sorted(after, key=lambda each: each.stream != "upstream")  # stable: each chain keeps its order


def difference(left: ProxyState, found: ProxyState | None, *, toxics: bool = True) -> str:
    """Say how a proxy differs from what was ``left`` there; empty where it does not. ``toxics``: compare them too."""
    if found is None:
        return "is gone"
    if found.enabled != left.enabled:
        return "is disabled" if left.enabled else "is enabled"
    for what in ("listen", "upstream"):
        if getattr(found, what) != getattr(left, what):
            return f"has another {what}: {quote(getattr(found, what))} where {getattr(left, what)} was"
    return _of_toxics(left.toxics, found.toxics) if toxics else ""


def _of_toxics(left: Sequence[ToxicState], found: Sequence[ToxicState]) -> str:
    told = {toxic.name: toxic for toxic in found}
    for toxic in left:
        now = told.pop(toxic.name, None)
        if now is None:
            return f"lacks the toxic {toxic.name} ({toxic.words})"
        if now != toxic:
            return f"has {_whole(now)} where {_whole(toxic)} was"
    for foreign in told.values():
        return f"has a toxic that is not this run's: {_whole(foreign)}"
    if [toxic.name for toxic in left] != [toxic.name for toxic in found]:
        return f"has its toxics in another order: {', '.join(toxic.name for toxic in found)}"
    return ""


def _whole(toxic: ToxicState) -> str:
    words = f"{toxic.name}: {toxic.type} {toxic.stream} {toxic.words}"
    return quote(words, _SPOKEN)
