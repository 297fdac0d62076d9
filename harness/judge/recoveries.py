"""R of an outage: how long a client may take to have caught up, once the network lets it (law L9).

What the plan gives it (``harness.scenario.deadlines``) is one of three: 3 s and the handshake where a signal told the
client of its own path's loss or return; D and what a dial takes where its stream died silently while the default was
usable; else the cap. To that comes what lawfully puts a recovery off (``harness.judge.delays``): what the server asked
it to wait, the connections that the server asked for, what lies in the way, and what the app's own handler takes.
"""

import math
from collections.abc import Callable

from harness.deeds.acts import SilencesKeepalive
from harness.judge import delays
from harness.judge.case import ClientCase
from harness.judge.interruptions import Interruption, told
from harness.scenario.deadlines import LINUX_SYN_RETRIES, Ending, recovery_allowance
from harness.sse.policy import declared

_NEARLY = 1e-3
"""Seconds that R is not lengthened for."""


def allowed(client: ClientCase, raw: Interruption) -> float:
    """Return R of an outage."""
    plan, schedule = client.case.plan, syn_retries(client)
    rouses = declared(client.case.declared.heeds_signals) and told(client, raw)
    ending = Ending.TOLD if rouses else Ending.UNNOTICED if raw.unnoticed else Ending.PLAIN
    found = recovery_allowance(plan, ending, path=raw.path, syn_retries=schedule)
    if _hushed(client, raw):
        ending = Ending.PLAIN
        found = max(found, recovery_allowance(plan, ending, path=raw.path, syn_retries=schedule))
    if not math.isfinite(found):
        return found
    found += delays.retried(client, raw, ending, found)
    found += delays.put_off(client, raw, found)
    found += delays.begun_anew(client, raw, found)
    found += delays.weathered(client, raw, found)
    found += delays.unhealed(client, raw, found)
    found += _settled(lambda allowance: delays.detoured(client, raw, allowance), found)
    found += _settled(lambda allowance: delays.carried(client, raw, allowance), found)
    return found + delays.digested(client, raw, found)


def _hushed(client: ClientCase, raw: Interruption) -> bool:
    """Whether the server kept the new stream quiet for longer than the client's watchdog waits.

    It has to dial anew then, and waits longer each time for want of a fresh event; no signal ends such a wait.
    """
    plan, case = client.case.plan, client.case
    watchdog, keepalive = plan.client.policies.watchdog, plan.server.keepalive
    first = client.truth.first_due_from(case.ns(raw.began))
    if watchdog is None or raw.healed is None or first is None:
        return False
    due = case.at(first.intended_ns)
    silenced = any(isinstance(deed.act, SilencesKeepalive) and deed.at < due for deed in plan.deeds)
    return due >= raw.healed + watchdog and (silenced or keepalive is None or keepalive >= watchdog)


def _settled(more: Callable[[float], float], allowance: float) -> float:
    """Return what lengthens R, where the time that it adds may hold more of the same."""
    found, before = more(allowance), 0.0
    while found > before + _NEARLY:
        found, before = more(allowance + found), found
    return found


def syn_retries(client: ClientCase) -> tuple[float, ...]:
    """Return the host's schedule of SYN retries, as the run's facts have it."""
    run = client.case.history.run
    text = run.facts.get("syn_retries_at", "") if run else ""
    try:
        return tuple(float(part.removesuffix("s")) for part in text.split()) or LINUX_SYN_RETRIES
    except ValueError:
        return LINUX_SYN_RETRIES
