"""Sense: what a plan should not be meant to say.

Deeds that would say what already is, or what cannot be, are refused: no fault could be seen in them. A plan that no
client could pass, or that meets the client it should try only where that has left already, can be run: with a warning.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from harness.deeds.acts import ComesOnline, Deed, GoesOffline, Joins, Loses, Pauses, Prefers, Resumes, Suspends
from harness.deeds.catalogue import Need, effect_of, row_of
from harness.deeds.network_state import DEVICE, JOB, MIDDLE, SERVER, Fold, NetworkState, after
from harness.scenario.deadlines import terminal_due
from harness.scenario.deed_text import deed_text
from harness.scenario.emissions import accepted, intended
from harness.scenario.model import Plan, ServerSpec, network_at_start
from harness.scenario.reachability import CutOff
from harness.scenario.spans import Spoken
from harness.sse.policy import FedBy
from harness.units import quote, spell_duration, spell_size


def check_deeds(found: Sequence[Spoken], deeds: Sequence[Deed], network: NetworkState) -> None:
    """Note a problem for each deed that cannot follow those before it. Both are the same, in order of doing."""
    fold = Fold(network)
    for spoken, deed in zip(found, deeds, strict=True):
        for _ in fold.pass_to(deed.at):
            pass  # what is over by then is over
        if why := senseless(fold.state, deed):
            spoken.place.fail(f"{quote(deed.text)}: {why}")
        else:
            fold.do(deed, deed.at)


_NEEDED: Mapping[Need, tuple[Callable[[ServerSpec], float | None], str]] = {
    Need.TOKEN: (lambda server: server.token_lasts, "the server gives no token: expected server: {token: lasts 30s}"),
    Need.KEEPALIVE: (lambda server: server.keepalive, "the server has no keep-alive to silence (keepalive: none)"),
}
"""The server's setting without which a deed would change nothing, and what is said then."""


def pointless(deed: Deed, server: ServerSpec) -> str:
    """Return why a deed of the server would change nothing with these settings, or the empty string."""
    need = row_of(deed.act).needs
    if need is None:
        return ""
    setting, why = _NEEDED[need]
    return why if setting(server) is None else ""


BY_A_WAY = frozenset({"recovery", "terminal", "results ready", "lost"})
"""Metrics that no client can keep within bounds where none gets through any more before its job ends."""


def impassable(loss: CutOff) -> str:
    """Return what keeps every client out from then on."""
    if loss.deed is None:
        return "no path lets a client in, and none ever does"
    return f"{deed_text(loss.deed)} at {spell_duration(loss.deed.at)} leaves no way to the job for good"


def hopeless(loss: CutOff) -> str:
    """Return the warning of a plan that no client can pass."""
    return f"no client can pass: {impassable(loss)}; terminal-once, no-gap and recovery are not judged from then on"


def restless(plan: Plan) -> str:
    """Return the warning of a plan whose watchdog takes a quiet stream that is well for a dead one; else "".

    It is fed by keep-alives, so it has to be above their interval. Where there are none, or where it is fed by events
    alone, it has to be above the longest time that the job says nothing.
    """
    policies, keepalive = plan.client.policies, plan.server.keepalive
    watchdog = policies.watchdog
    if watchdog is None:
        return ""
    if keepalive is not None and policies.watchdog_fed_by is FedBy.ANY_BYTE:
        quiet, by = keepalive, f"the server's keep-alive of {spell_duration(keepalive)}"
    else:
        said = intended(plan, 0.0)
        quiet = max((later - earlier for earlier, later in pairwise(said)), default=0.0)
        by = f"the {spell_duration(round(quiet, 3))} in which the job says nothing, and no keep-alive feeds it"
    if watchdog > quiet:
        return ""
    return (
        f"the client's watchdog of {spell_duration(watchdog)} is not above {by}: it leaves a stream that is well, "
        "and what would happen to a quiet one later is not tested"
    )


def unmet(plan: Plan) -> Iterator[tuple[Deed, str]]:
    """Yield the deeds that refuse dials while no client dials, each with its warning.

    A client that nothing has disturbed has its stream, until its job is over. It dials after the stream's end alone,
    when its first wait is over.
    """
    base, begun = plan.client.policies.backoff_base, accepted(plan) + plan.client.arrive
    network, shut = network_at_start(plan), dict[str, Deed]()
    for deed in plan.deeds if plan.server.token_lasts is None else ():
        if _disturbs(deed) or deed.at >= terminal_due(plan):
            return  # clients may dial from now on
        network = after(network, deed, deed.at).state
        if deed.actor not in plan.paths:
            continue
        if not network.paths[deed.actor].up:
            shut.setdefault(deed.actor, deed)
        elif (first := shut.pop(deed.actor, None)) is not None and begun <= first.at > deed.at - base:
            lasts = spell_duration(round(deed.at - first.at, 9))
            yield (
                first,
                (
                    f"nobody dials while {deed_text(first)}: it ends no stream, and is over after {lasts}, "
                    f"before a client's first wait of {spell_duration(base)} is"
                ),
            )


def _disturbs(deed: Deed) -> bool:
    """Return whether a deed may lead a client to dial that has a stream."""
    effect = effect_of(deed.act)
    hears = deed.actor == DEVICE or row_of(deed.act).needs is not None
    holds = effect.barrier is not None and (effect.barrier.open_too or deed.actor in {MIDDLE, SERVER})
    return hears or holds or effect.severs is not None


def coinciding(plan: Plan) -> Iterator[tuple[Deed, str]]:
    """Yield the deeds that are over at the very instant of another one, each with its warning."""
    begun: dict[float, Deed] = {}
    for deed in plan.deeds:
        if deed.undoes is None:
            begun.setdefault(deed.at, deed)
    for deed in plan.deeds:
        effect = effect_of(deed.act)
        own = round(deed.at + effect.seconds, 9) if effect.seconds and effect.barrier is not None else None
        over = deed.at if deed.undoes is not None else own
        other = None if over is None else begun.get(over)
        if over is not None and other is not None:
            first = deed if deed.undoes is None else plan.deeds[deed.undoes]
            yield (
                first,
                (
                    f"{deed_text(first)} is over at {spell_duration(over)}, the instant of {deed_text(other)}: "
                    "nothing is tried between them"
                ),
            )


_LEAST_FIELDS = len("id: a-1\nevent: processing\ndata: \n")
"""Bytes of an update beside its data, at least."""


def indigestible(plan: Plan) -> str:
    """Return the warning of a plan whose updates are larger than its client takes an event to be; else ""."""
    size, most = plan.job.event_size, plan.client.policies.max_event
    if most is None or size + _LEAST_FIELDS <= most:
        return ""
    return (
        f"an update of {spell_size(size)}, with its other fields, is above the client's max event of "
        f"{spell_size(most)}: it leaves every stream at the first, and what comes later is met by polling or by nobody"
    )


def senseless(state: NetworkState, deed: Deed) -> str:
    """Return why a deed makes no sense in this state, in which no fault could be seen in it; empty where it does."""
    at, found = f"at {spell_duration(deed.at)}", ""
    match deed.act:
        case _ if deed.actor == JOB and state.job_over:
            found = f"the job has been ended already {at}"
        case Joins(path=path) if path in state.has:
            found = f"{path} is joined already {at}"
        case Prefers(path=path) | Loses(path=path) if path not in state.has:
            found = f"{path} is not joined {at} (joined: {', '.join(sorted(state.has)) or 'none'})"
        case GoesOffline() if state.away is not None:
            found = f"the device is offline already {at}"
        case ComesOnline() if state.away is None:
            found = f"the device is not offline {at}"
        case Suspends() if state.asleep:
            found = f"the device is suspended already {at}"
        case Pauses() if state.paused:
            found = f"the job is paused already {at}"
        case Resumes() if not state.paused:
            found = f"the job is not paused {at}"
    return found
