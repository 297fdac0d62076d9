"""Drives a chain over an exact, imagined clock."""

import math
from collections.abc import Callable, Sequence

from harness.chance import Dice
from harness.toxics import Chain, ToxicSpec, toxic_of


def spec(kind: str, *, name: str = "", toxicity: float = 1.0, **attributes: object) -> ToxicSpec:
    return ToxicSpec(name=name or kind, stream="downstream", toxic=toxic_of(kind, attributes), toxicity=toxicity)


def chain_of(*specs: ToxicSpec, seed: int = 1) -> Chain:
    return Chain(specs, Dice(seed), 0.0)


def drive(
    chain: Chain,
    pushes: Sequence[tuple[float, bytes]] = (),
    *,
    at: Sequence[tuple[float, Callable[[float], None]]] = (),
    until: float = math.inf,
) -> list[tuple[float, bytes]]:
    """Push each chunk as soon as its time has come and there is room, apply the changes, pop when due.

    Returns (time in whole microseconds as seconds, piece). Chunks that never found room stay out.
    """
    todo, changes, now = list(pushes), list(at), 0.0
    out: list[tuple[float, bytes]] = []
    while True:
        steps = [chain.next_due()]
        steps += [max(now, changes[0][0])] if changes else []
        steps += [max(now, todo[0][0])] if todo and chain.room else []
        now = max(now, min(steps))
        if now > until or now == math.inf:
            return out
        if changes and changes[0][0] <= now:
            changes.pop(0)[1](now)
        elif todo and chain.room and todo[0][0] <= now:
            chain.push(now, todo.pop(0)[1])
        out += [(round(now, 6), piece) for piece in chain.pop(now)]


def times(out: list[tuple[float, bytes]]) -> list[float]:
    return [at for at, _ in out]


def sizes(out: list[tuple[float, bytes]]) -> list[tuple[float, int]]:
    return [(at, len(piece)) for at, piece in out]


def paced(count: int, every: float) -> list[tuple[float, bytes]]:
    """``count`` chunks of one byte, numbered, ``every`` seconds apart."""
    return [(round(number * every, 6), bytes([number])) for number in range(count)]
