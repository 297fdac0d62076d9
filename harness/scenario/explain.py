"""Explanation: what a plan is, as text for people: who runs, what is done when, and what each deed becomes.

A deed becomes a command of the gate (reach, signals), toxics of the path's proxy (shape), a rule of the middle, an
order to the server, or a word to its job. Times are scenario time; everything drawn is drawn already.
"""

import textwrap
from collections.abc import Iterator, Mapping
from typing import assert_never

import msgspec

from harness.deeds.acts import Deed, SetShape
from harness.deeds.catalogue import Executor, row_of
from harness.deeds.network_state import NetworkState, after
from harness.deeds.replacement import directions, takes_back
from harness.escaping import on_one_line
from harness.scenario.deadlines import ceiling, detection_allowance
from harness.scenario.model import Plan, StallPulse, network_at_start
from harness.toxics.shape import Shape, toxics_of
from harness.units import format_duration, spell_bit_rate, spell_duration
from harness.vocabulary import Direction

WIDTH = 100

MOST_WEATHER = 12
"""Lines of weather that are shown; the rest is counted."""

_INDENT = " " * 4
_BELOW = " " * 14
"""Under a deed's text."""


def explain(plan: Plan) -> str:
    """Return the plan as text, its lines at most 100 columns wide, ending with a line's end."""
    parts = (_head(plan), _paths(plan), _timeline(plan), _weather(plan), _limits(plan), _expectations(plan))
    return "\n".join("\n".join(_fitted(line) for line in part) + "\n" for part in map(list, parts) if part)


def _fitted(line: str) -> str:
    """Return the line, broken between words where it is too long; what follows is indented below it."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    wrapped = textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True)
    return "\n".join(wrapped) if len(line) > WIDTH else line


def _head(plan: Plan) -> Iterator[str]:
    yield f"{on_one_line(plan.name)} · {plan.scenario}"
    if plan.variant:
        yield f"variant {plan.variant}"
    client = plan.client
    many = f"{client.count} clients within {spell_duration(client.arrive)}" if client.count > 1 else "1 client"
    yield f"{many}, {client.like} · seed {plan.seed} · starts on {plan.device.starts_on}"
    job = plan.job
    updates = f"{job.items} updates on change" if job.every is None else f"an update every {spell_duration(job.every)}"
    ends = f"{job.ends} {job.code}".strip()
    yield f"job of {spell_duration(job.lasts)}, {updates}, then {ends}"
    if plan.world == "virtual":
        yield "in virtual time only"


def _paths(plan: Plan) -> Iterator[str]:
    yield "PATHS  (toxics in Toxiproxy's units: ms, KB/s, bytes)"
    for name, spec in plan.paths.items():
        radio = f"first byte of a dial +{spell_duration(spec.radio.handshake)}"
        if spec.radio.wake:
            quiet = (
                f" after {spell_duration(spec.radio.wake_after)} of quiet" if spec.radio.wake_after else " each time"
            )
            radio += f", waking +{spell_duration(spec.radio.wake)}{quiet}"
        loss = f", loss {spec.loss * 100:g} % as stalls" if spec.loss else ""
        state = "" if spec.start.value == "up" else f", {spec.start} at first"
        yield f"  {name}: {spec.profile}{state} · {radio}{loss}"
        yield from _toxics(dict.fromkeys(Direction, spec.shape))


def _toxics(shapes: Mapping[Direction, Shape], *, indent: str = _INDENT) -> Iterator[str]:
    """Yield the toxics of a proxy in these directions, one line for each, as Toxiproxy's API has them."""
    found = [spec for way, shape in shapes.items() for spec in toxics_of(shape, way)]
    for spec in found:
        attributes = " ".join(f"{key}={value}" for key, value in spec.toxic.attributes.items())
        yield f"{indent}toxic {spec.name}: {spec.toxic.type} {spec.stream} {attributes}"
    if not found:
        yield f"{indent}no toxics"


def _timeline(plan: Plan) -> Iterator[str]:
    yield "TIMELINE"
    if not plan.deeds:
        yield "  no deeds: a baseline"
    network = network_at_start(plan)
    for deed in plan.deeds:
        network = after(network, deed, deed.at).state
        who = f"{deed.actor} on {deed.on}" if deed.on else deed.actor
        place = f" [line {deed.line}]" if deed.line else ""
        yield f"{deed.at:>9.3f} s  #{deed.index} {who}: {deed.text}{place}"
        yield from _becomes(deed, network)


def _becomes(deed: Deed, network: NetworkState) -> Iterator[str]:
    """Yield what carries the deed out. ``network``: as it is once that is done."""
    back = f", takes back #{deed.undoes}" if deed.undoes is not None else ""
    act, narrowed = deed.act, f" on {deed.on}" if deed.on else ""
    verb = "undo" if takes_back(deed) else "do"
    match row_of(act).executor:
        case Executor.PROXY:
            over = (
                f", in 250 ms steps over {spell_duration(act.over)}" if isinstance(act, SetShape) and act.over else ""
            )
            yield f"{_BELOW}proxy of {deed.actor}{over}{back}:"
            shapes = network.paths[deed.actor].shapes
            yield from _toxics({way: shapes[way] for way in Direction if way in directions(act)}, indent=_BELOW)
        case Executor.GATE:
            yield f"{_BELOW}gate: {_command(deed)}{back}"
        case Executor.MIDDLE if deed.actor != "middle":  # what a server answers itself
            yield f"{_BELOW}middle, for the server, on every path: {verb} {_command(deed)}{back}"
        case Executor.MIDDLE | Executor.SERVER | Executor.JOB | Executor.GATES:
            yield f"{_BELOW}{deed.actor}{narrowed}: {verb} {_command(deed)}{back}"
        case other:
            assert_never(other)


def _command(deed: Deed) -> str:
    """Return the act with its values: ``reach word=stalled direction=downstream``."""
    fields: Mapping[str, object] = msgspec.to_builtins(deed.act)
    values = [f"{key}={_value(key, value)}" for key, value in fields.items() if key != "type" and value is not None]
    return " ".join([str(fields["type"]), *values])


_SECONDS = {"after", "lasts", "seconds", "retry_after"}


def _value(key: str, value: object) -> str:
    if key in _SECONDS and isinstance(value, int | float):
        return spell_duration(float(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _weather(plan: Plan) -> Iterator[str]:
    if not plan.weather:
        return
    pulses = sum(isinstance(change, StallPulse) for change in plan.weather)
    yield f"WEATHER  (seed {plan.seed}: stalls {pulses}, changes of rate {len(plan.weather) - pulses})"
    for change in plan.weather[:MOST_WEATHER]:
        if isinstance(change, StallPulse):
            what = f"stalled downstream for {spell_duration(change.lasts)}"
        else:
            what = f"down {spell_bit_rate(change.down)}, up {spell_bit_rate(change.up)}"
        yield f"{change.at:>9.3f} s  {change.path}: {what}"
    if len(plan.weather) > MOST_WEATHER:
        yield f"  and {len(plan.weather) - MOST_WEATHER} more"


def _limits(plan: Plan) -> Iterator[str]:
    yield "LIMITS"
    left = " (the file's or the command line's limit)" if plan.limit == plan.horizon else ""
    yield f"  horizon {format_duration(plan.horizon)}{left}: what is missing then has failed"
    yield f'  D {format_duration(detection_allowance(plan.client.policies))}: from the last byte to "reconnecting"'
    yield f"  R at most {format_duration(ceiling(plan))}: from usable to caught up; a longer recovery is not judged"


def _expectations(plan: Plan) -> Iterator[str]:
    if plan.expect or plan.waive or plan.mutants:
        yield "EXPECTED"
    for expectation in plan.expect:
        metric = f"{expectation.metric} {expectation.statistic}".strip()
        yield f"  {metric}: {expectation.text}"
    for law, reason in plan.waive.items():
        yield f"  waived: {law} ({reason})"
    if plan.mutants:
        yield f"  must fail: {', '.join(plan.mutants)}"
