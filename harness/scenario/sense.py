"""Sense: what a plan should not be meant to say.

Deeds that would say what already is, or what cannot be, are refused: no fault could be seen in them. A plan that no
client could pass, or that meets the client it should try only where that has left already, can be run: with a warning.
"""

from collections.abc import Sequence
from itertools import pairwise

from harness.deeds.acts import (
    ComesOnline,
    Deed,
    Ends,
    GoesOffline,
    Joins,
    Loses,
    Pauses,
    Prefers,
    Resumes,
    RevokesToken,
    SilencesKeepalive,
    Suspends,
)
from harness.scenario.deed_text import deed_text
from harness.scenario.emissions import intended
from harness.scenario.model import Plan, ServerSpec
from harness.scenario.spans import Spoken
from harness.scenario.standing import Loss
from harness.sse.policy import FedBy
from harness.units import quote, spell_duration, spell_size


def check_device(found: Sequence[Spoken], starts_on: str) -> None:
    """Note a problem for each signal that the device cannot give. ``found`` is in order of doing."""
    joined = {starts_on}
    offline = False
    asleep_until = 0.0
    for deed in found:
        at = f"at {spell_duration(deed.at)}"
        match deed.act:
            case Joins(path=path):
                if path in joined:
                    deed.place.fail(f"{quote(deed.text)}: {path} is joined already {at}")
                joined.add(path)
            case Prefers(path=path) | Loses(path=path) if path not in joined:
                shown = ", ".join(sorted(joined)) or "none"
                deed.place.fail(f"{quote(deed.text)}: {path} is not joined {at} (joined: {shown})")
            case Loses(path=path):
                joined.remove(path)
            case GoesOffline():
                if offline:
                    deed.place.fail(f"{quote(deed.text)}: the device is offline already {at}")
                offline = True
            case ComesOnline():
                if not offline:
                    deed.place.fail(f"{quote(deed.text)}: the device is not offline {at}")
                offline = False
            case Suspends(lasts=lasts):
                if deed.at < asleep_until:
                    deed.place.fail(f"{quote(deed.text)}: the device is suspended already {at}")
                asleep_until = round(deed.at + lasts, 9)


def check_job(found: Sequence[Spoken]) -> None:
    """Note a problem for each word to the job that it cannot follow."""
    paused = over = False
    for deed in found:
        if deed.actor != "job":
            continue
        at = f"at {spell_duration(deed.at)}"
        if over:
            deed.place.fail(f"{quote(deed.text)}: the job has been ended already {at}")
        match deed.act:
            case Pauses():
                if paused:
                    deed.place.fail(f"{quote(deed.text)}: the job is paused already {at}")
                paused = True
            case Resumes():
                if not paused:
                    deed.place.fail(f"{quote(deed.text)}: the job is not paused {at}")
                paused = False
            case Ends():
                over = True


def pointless(deed: Deed, server: ServerSpec) -> str:
    """Return why a deed of the server would change nothing with these settings, or the empty string."""
    match deed.act:
        case RevokesToken() if server.token_lasts is None:
            return "the server gives no token: expected server: {token: lasts 30s}"
        case SilencesKeepalive() if server.keepalive is None:
            return "the server has no keep-alive to silence (keepalive: none)"
    return ""


BY_A_WAY = frozenset({"recovery", "terminal", "results ready", "lost"})
"""Metrics that nobody can keep within bounds where no client gets through any more before its job ends."""


def impassable(loss: Loss) -> str:
    """Return what keeps every client out from then on."""
    if loss.deed is None:
        return "no path lets a client in, and none ever does"
    return f"{deed_text(loss.deed)} at {spell_duration(loss.deed.at)} leaves no way to the job for good"


def hopeless(loss: Loss) -> str:
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
