"""The menu: every deed that this harness can do, as the fuzzer says it, and how often.

One entry is one form of the language, with and without its options. An entry that makes no sense in the situation
says nothing. The weights are for variety, not for realism: what ends a stream in an odd moment finds most. A test walks
every act and form, and names those that no entry draws.
"""

from collections.abc import Callable
from typing import NamedTuple

from harness.deeds.acts import (
    Act,
    Answers,
    Buffers,
    Bursts,
    Clears,
    ComesOnline,
    Cuts,
    Drains,
    Ends,
    GoesOffline,
    Hangs,
    Joins,
    KillsIdle,
    Limits,
    Loses,
    MutesStreams,
    Orphans,
    Pauses,
    Prefers,
    Recovers,
    Repeats,
    ResetsStreams,
    Restarts,
    Resumes,
    RevokesToken,
    SendsRetry,
    SetReach,
    SetShape,
    SetSlice,
    ShowsPortal,
    SilencesKeepalive,
    Suspends,
)
from harness.deeds.catalogue import Actor, Mood, When, effect_of
from harness.fuzz.draws import Draws
from harness.fuzz.situation import Situation
from harness.scenario.deeds import parse_deed

Say = Callable[[Draws, Situation], str]


class MenuEntry(NamedTuple):
    """One way to say an act of an actor's, and its weight. ``say`` returns nothing where it makes no sense now."""

    actor: Actor
    act: type[Act]
    weight: float
    say: Say


PASSING = ("wifi-cafe", "wifi-edge", "lte", "4g-slow", "3g", "3g-lossy", "edge", "very-bad", "satellite", "dns-slow")
"""Profiles that a path takes for a while: those that change something."""

STATUSES = (
    (503, 4.0), (500, 2.0), (502, 1.0), (504, 1.0), (429, 2.0), (403, 2.0), (401, 2.5), (404, 1.5), (408, 1.0),
    (409, 1.0), (410, 1.0), (425, 0.5), (204, 1.0), (200, 1.0), (301, 0.5), (400, 0.5),
)  # fmt: skip

_FOLLOWED = 0.4

_LIMITS = ("16kbps", "64kbps", "256kbps", "2Mbps")

_LASTS = 0.75
_ONE_WAY = 0.35
_SILENTLY = 0.3
_RETRIES = ("500", "3000", "10000", "0", "250", "60000", "99999999", "-1", "1e3", "soon", "007")


def _always(text: str) -> Say:
    return lambda _draws, _now: text


def _span(draws: Draws, shortest: float = 0.2, longest: float = 15.0, share: float = _LASTS) -> str:
    return f" for {draws.duration(shortest, longest)}" if draws.chance(share) else ""


def _spanned(text: str, shortest: float = 0.2, longest: float = 15.0) -> Say:
    return lambda draws, _now: text + _span(draws, shortest, longest)


def _way(draws: Draws) -> str:
    return f" {draws.pick(['downstream', 'upstream'])} only" if draws.chance(_ONE_WAY) else ""


def _reach(draws: Draws, now: Situation) -> str:
    del now
    word = draws.pick(["closed", "reset", "refused", "unreachable"])
    return word + _span(draws)


def _one_way_reach(draws: Draws, now: Situation) -> str:
    del now
    return draws.pick(["stalled", "silent"]) + _span(draws) + _way(draws)


def _strikes(draws: Draws, now: Situation) -> str:
    del now
    return f"{draws.pick(['closed', 'reset'])} once"


def _cuts(draws: Draws, now: Situation) -> str:
    del now
    return f"{draws.pick(['closed', 'reset'])} mid {draws.pick(['id', 'data', 'character', 'event'])}"


def _profile(draws: Draws, now: Situation) -> str:
    del now
    over = f" over {draws.duration(0.5, 8)}" if draws.chance(0.3) else _span(draws)
    return draws.pick(PASSING) + over + _way(draws)


def _slices(draws: Draws, now: Situation) -> str:
    del now
    return f"sliced to {draws.size(1, 60)}" + _span(draws)


def _limits(draws: Draws, now: Situation) -> str:
    del now
    return f"limited to {draws.pick(_LIMITS)}" + _span(draws)


def _joins(draws: Draws, now: Situation) -> str:
    return f"joins {draws.pick(now.apart)}" if now.apart else ""


def _prefers(draws: Draws, now: Situation) -> str:
    return f"prefers {draws.pick(now.present)}" if now.present else ""


def _loses(draws: Draws, now: Situation) -> str:
    return f"loses {draws.pick(now.present)}" if now.present else ""


def _goes_offline(draws: Draws, now: Situation) -> str:
    return "" if now.offline else "goes offline" + _span(draws)


def _comes_online(draws: Draws, now: Situation) -> str:
    del draws
    return "comes online" if now.offline and not now.turning else ""


def _suspends(draws: Draws, now: Situation) -> str:
    if now.asleep:
        return ""
    return f"suspends for {draws.duration(0.5, 15)}{' silently' * draws.chance(_SILENTLY)}"


def _answers(draws: Draws, now: Situation) -> str:
    del now
    text = f"answers {draws.weighted(STATUSES)}"
    later = draws.weighted([(" retry-after {}s", 0.2), (" retry-after {}s as date", 0.1), ("", 0.7)])
    if later:
        text += later.format(draws.count(1, 10))
    if draws.chance(0.7):
        text += f" to {draws.weighted([('streams', 4.0), ('polls', 2.0), ('results', 2.0)])}"
    return text + (f" {draws.count(1, 6)} times" if draws.chance(0.4) else _span(draws))


def _buffers(draws: Draws, now: Situation) -> str:
    del now
    how = draws.pick([draws.size(50, 5_000), "each event", draws.duration(0.2, 8)])
    return f"buffers {how}" + _span(draws)


def _kills_idle(draws: Draws, now: Situation) -> str:
    del now
    after = draws.duration(0.5, 12)
    return f"kills idle after {after}{draws.pick(['', ' silently', ' with 524', ' with 408'])}"


def _restarts(draws: Draws, now: Situation) -> str:
    del now
    after = f" after {draws.duration(0.1, 10)}" if draws.chance(_LASTS) else ""
    return f"restarts {draws.pick(['keeping', 'losing'])} log{after}"


def _orphan(draws: Draws, now: Situation) -> str:
    del now
    return f"orphan for {draws.duration(0.5, 15)}"


def _retry(draws: Draws, now: Situation) -> str:
    del now
    return f"sends retry {draws.pick(_RETRIES)}"


def _repeats(draws: Draws, now: Situation) -> str:
    del now
    return f"repeats {draws.count(1, 20)}" + _span(draws)


def _revokes(draws: Draws, now: Situation) -> str:
    del draws
    return "revokes token" if now.has_token else ""


def _silences(draws: Draws, now: Situation) -> str:
    return "silences keepalive" + _span(draws) if now.has_keepalive else ""


def _pauses(draws: Draws, now: Situation) -> str:
    return "" if now.job_over or now.paused else "pauses" + _span(draws, share=0.4)


def _resumes(draws: Draws, now: Situation) -> str:
    del draws
    return "resumes" if now.paused and not now.turning and not now.job_over else ""


def _bursts(draws: Draws, now: Situation) -> str:
    return "" if now.job_over else f"bursts {draws.count(5, 200)}/s for {draws.duration(0.1, 2)}"


def _ends(draws: Draws, now: Situation) -> str:
    return "" if now.job_over else draws.pick(["completes", "fails E7", "times out"])


MENU: tuple[MenuEntry, ...] = (
    MenuEntry(Actor.PATH, SetReach, 4, _one_way_reach),
    MenuEntry(Actor.PATH, SetReach, 4, _reach),
    MenuEntry(Actor.PATH, SetReach, 2, _strikes),
    MenuEntry(Actor.PATH, Cuts, 2.5, _cuts),
    MenuEntry(Actor.PATH, SetShape, 2, _profile),
    MenuEntry(Actor.PATH, SetSlice, 2, _slices),
    MenuEntry(Actor.PATH, Limits, 1.5, _limits),
    MenuEntry(Actor.PATH, SetReach, 1, _spanned("up")),
    MenuEntry(Actor.DEVICE, Joins, 3, _joins),
    MenuEntry(Actor.DEVICE, Prefers, 2, _prefers),
    MenuEntry(Actor.DEVICE, Loses, 2, _loses),
    MenuEntry(Actor.DEVICE, GoesOffline, 2, _goes_offline),
    MenuEntry(Actor.DEVICE, ComesOnline, 1.5, _comes_online),
    MenuEntry(Actor.DEVICE, Suspends, 2, _suspends),
    MenuEntry(Actor.MIDDLE, Answers, 5, _answers),
    MenuEntry(Actor.MIDDLE, ShowsPortal, 1, _spanned("shows portal")),
    MenuEntry(Actor.MIDDLE, MutesStreams, 2, _spanned("mutes streams")),
    MenuEntry(Actor.MIDDLE, ResetsStreams, 1.5, _spanned("resets streams")),
    MenuEntry(Actor.MIDDLE, Buffers, 2, _buffers),
    MenuEntry(Actor.MIDDLE, KillsIdle, 1.5, _kills_idle),
    MenuEntry(Actor.MIDDLE, Clears, 1, _always("clears")),
    MenuEntry(Actor.SERVER, Restarts, 3, _restarts),
    MenuEntry(Actor.SERVER, Orphans, 1, _orphan),
    MenuEntry(Actor.SERVER, Drains, 1.5, _spanned("drains", longest=8)),
    MenuEntry(Actor.SERVER, Answers, 2, _answers),
    MenuEntry(Actor.SERVER, Hangs, 1.5, _spanned("hangs", longest=12)),
    MenuEntry(Actor.SERVER, SendsRetry, 1.5, _retry),
    MenuEntry(Actor.SERVER, Repeats, 1.5, _repeats),
    MenuEntry(Actor.SERVER, RevokesToken, 2.5, _revokes),
    MenuEntry(Actor.SERVER, SilencesKeepalive, 1, _silences),
    MenuEntry(Actor.SERVER, Recovers, 1, _always("recovers")),
    MenuEntry(Actor.JOB, Pauses, 2, _pauses),
    MenuEntry(Actor.JOB, Resumes, 4, _resumes),
    MenuEntry(Actor.JOB, Bursts, 2, _bursts),
    MenuEntry(Actor.JOB, Ends, 1, _ends),
)
"""The order counts: another one draws other plans from the same seeds."""

_OF = {actor: [(entry.say, entry.weight) for entry in MENU if entry.actor is actor] for actor in Actor}

ACTORS = (
    (Actor.PATH, 0.38),
    (Actor.DEVICE, 0.20),
    (Actor.MIDDLE, 0.18),
    (Actor.SERVER, 0.16),
    (Actor.JOB, 0.08),
)

_WAITING = (Actor.JOB, 0.4)
"""A job that stands still is mostly told to go on: else that word would hardly ever be said."""


def invent_deed(draws: Draws, now: Situation) -> tuple[str, str]:
    """Return who is told what, something that makes sense now."""
    while True:
        actor = draws.weighted((*ACTORS, _WAITING) if now.paused and not now.job_over else ACTORS)
        deed = draws.weighted(_OF[actor])(draws, now)
        if deed:
            return _who(draws, now, actor), deed


def follow(draws: Draws, now: Situation, actor: str, deed: str) -> tuple[str, str] | None:
    """Return the deed that often follows another at once, where no client would meet the first one alone.

    Who refuses new requests troubles a client only if its stream ends; a dial that hangs is only noticed by who dials,
    and left only where there is another way.
    """
    act = parse_deed(actor.partition(" ")[0], deed, dict.fromkeys(now.paths)).act
    barrier, severs = effect_of(act).barrier, effect_of(act).severs
    of_a_path, spares = isinstance(act, SetReach), severs is None or severs.when is When.IDLE
    hangs = of_a_path and barrier is not None and barrier.mood is Mood.MUTE
    refuses = not of_a_path and spares and (barrier or severs) is not None
    if not (refuses or hangs) or not draws.chance(_FOLLOWED):
        return None
    if refuses:
        path = draws.pick(now.present or now.paths)
        return path, draws.pick(["reset once", "closed once", "reset mid data"])
    if now.apart and draws.chance(0.6):
        return "device", f"joins {draws.pick(now.apart)}"
    return actor, "reset once"


def _who(draws: Draws, now: Situation, actor: Actor) -> str:
    """Return the actor as a timeline names it: mostly the path that the phone has."""
    if actor is Actor.PATH:
        return draws.pick(now.present if now.present and draws.chance(0.8) else now.paths)
    if actor is Actor.MIDDLE and draws.chance(0.2):
        return f"middle on {draws.pick(now.paths)}"
    return str(actor)
