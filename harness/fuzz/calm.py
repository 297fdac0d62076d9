"""Long calm jobs: one early trouble, and then a minute and more in which nothing happens.

What a client never does again, or goes on doing for ever, shows only when it had the time to do better: the fallback's
``retry stream`` and R beside a stream that passes again, R beside a dial that hangs. In virtual time calm costs little.
"""

from harness.fuzz.draws import Draws
from harness.fuzz.genotype import Fault, Paths, Texts
from harness.units import spell_duration

SHARE = 0.08
"""Of the scenarios, those that are calm."""

_LATEST = 15.0
"""Seconds by which the trouble has begun."""

_WALLS = ("answers 403 to streams", "answers 503 to streams", "mutes streams", "resets streams", "shows portal")
_DEAD = ("unreachable", "silent", "stalled")
_WALLED = 0.5
_AT_THE_START = 0.5


def draw_calm_job(draws: Draws) -> Texts:
    """Return a job that outlasts its trouble."""
    return {"lasts": spell_duration(float(round(draws.moment(60, 120)))), "updates": f"every {draws.duration(1, 5)}"}


def draw_calm_client(draws: Draws) -> Texts:
    """Return the policies that are due within such a job."""
    return {"retry stream": f"every {draws.duration(5, 15)}"}


def calm_faults(draws: Draws, paths: Paths, starts_on: str) -> tuple[Fault, ...]:
    """Return the one trouble: streams are refused for a while, or the way is dead and another is taken."""
    if draws.chance(_WALLED):
        return _wall(draws, starts_on)
    return _dead_way(draws, starts_on, draws.pick([path for path in paths if path != starts_on]))


def _wall(draws: Draws, path: str) -> tuple[Fault, ...]:
    at = 0.0 if draws.chance(_AT_THE_START) else draws.moment(1, _LATEST)
    wall = Fault(at=at, actor="middle", deed=f"{draws.pick(_WALLS)} for {draws.duration(8, 40)}")
    # An open stream is no request: it is ended, so that the client meets the wall.
    return (wall,) if not at else (wall, Fault(at=at, actor=path, deed=draws.pick(["reset once", "closed once"])))


def _dead_way(draws: Draws, path: str, other: str) -> tuple[Fault, ...]:
    at = draws.moment(1, _LATEST)
    dead = [Fault(at=at, actor=path, deed=draws.pick(_DEAD)), Fault(at=at, actor=path, deed="reset once")]
    left = round(at + draws.seconds(1, 30), 2)
    moves = draws.pick([(f"loses {path}", f"joins {other}"), (f"joins {other}", f"prefers {other}")])
    return (*dead, *(Fault(at=left, actor="device", deed=deed) for deed in moves))
