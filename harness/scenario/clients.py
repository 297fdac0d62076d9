"""The settings of ``client``: presets, and the policies laid over them."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from harness.errors import UsageError
from harness.scenario.bounds import LONGEST, MOST_CLIENTS, SHORTEST_POLL, SHORTEST_TIMER, timer
from harness.scenario.model import ClientSpec
from harness.scenario.phrases import (
    Fields,
    Setting,
    above_zero,
    choice,
    described,
    more_than_zero,
    one,
    one_of,
    or_never,
)
from harness.scenario.place import Place, nearest
from harness.scenario.settings import read_section
from harness.scenario.tokens import TOKENS
from harness.sse.policy import PRESETS, REFERENCE, FedBy, Ids, Jitter, Policies, ResetsOn
from harness.units import parse_count, quote, spell_duration

MUTANTS = (
    "no-watchdog",
    "events-only-watchdog",
    "short-watchdog",
    "resets-backoff-on-connect",
    "forgets-last-id",
    "forgets-id-after-empty",
    "commits-id-early",
    "dedupes-across-epochs",
    "no-jitter",
    "waits-out-dial",
    "keeps-two-streams",
    "parses-any-200",
    "never-falls-back",
    "never-returns",
    "trusts-silent-200",
    "freezes-first-id",
    "replays-history",
    "glues-connections",
    "dispatches-at-eof",
    "one-event-late",
    "fills-buffer",
    "splits-crlf",
    "withholds-cr",
    "decodes-chunks",
    "splits-on-unicode",
    "shows-phantoms",
    "drops-remainder",
    "drops-blank-lines",
    "misnumbers-bursts",
    "keeps-bom",
    "needs-space",
    "blanks-id",
    "dedupes-by-last-id",
    "skips-id-blocks",
    "loses-late-ids",
    "refuses-parameters",
    "ends-at-lf",
    "discards-cr",
    "ignores-retry",
    "ignores-retry-after",
    "never-backs-off",
    "never-stops",
    "loops-on-401",
    "stops-at-5xx",
    "gives-up",
    "stops-at-eof",
    "dies-of-errors",
    "deaf-to-signals",
    "limits-streams",
    "drops-newest",
    "clears-queue",
    "queues-one",
    "queues-all",
    "serves-newest",
    "merges-queue",
    "reconnects-after-end",
    "fetches-results-twice",
    "drops-every-second",
    "shows-newest-first",
    "drops-cr-lines",
    "polls-for-replay",
    "asks-at-each-dial",
    "sits-on-connection",
    "shows-late",
    "says-polling",
    "ignores-stream-retry-after",
    "ignores-poll-retry-after",
    "reads-only-seconds",
    "asks-six-tokens",
    "reconnects-late",
    "one-row-late",
    "doubles-watchdog",
    "overstays-dial",
    "waits-out-answer",
    "starts-late",
    "settles-late",
    "asks-once",
    "keeps-refused-cursor",
    "polls-beside-stream",
    "starts-twice",
    "denies-comments",
    "clings-to-connected",
    "closes-late",
    "cuts-at-join",
    "invents-gaps",
    "hides-gaps",
    "hides-snapshots",
    "ignores-polled-end",
    "cuts-results",
    "fetches-results-thrice",
    "fetches-results-late",
    "fetches-results-early",
    "leaves-sockets",
)
"""Wrong clients that a scenario may name as those it must catch."""

_STATUS = re.compile(r"[1-5](?:xx|[0-9][0-9])")
_OF_SPEC = ("like", "count", "arrive")  # what fills the spec itself; all else is a policy
_KEPT = ("count", "arrive", "handler_takes")  # what `--client` leaves of the file's section


def _statuses(field: str) -> Setting:
    def parse(text: str) -> Fields:
        words = text.split()
        for word in words:
            if _STATUS.fullmatch(word) is None:
                raise UsageError(f"expected statuses such as 403 429 5xx, got {quote(word)}")
        return {field: tuple(words)}

    return Setting(parse, f"{_STATUS.pattern}(?: +{_STATUS.pattern})*", "STATUS …")


def _range(least: str, most: str) -> Setting:
    def make(shorter: float, longer: float) -> Fields:
        if not 0 < shorter <= longer:
            raise UsageError(f"expected the shorter time first and more than zero, got {shorter:g} s to {longer:g} s")
        return {least: _no_less(shorter, SHORTEST_TIMER), most: longer}

    return one_of({"DURATION to DURATION": make}, example="1s to 30s")


def _no_less(seconds: float, least: float) -> float:
    """Return a duration above zero. Raises ``UsageError`` where it is shorter than ``least``."""
    if above_zero(seconds) < least:
        raise UsageError(f"expected at least {spell_duration(least)}, got {spell_duration(seconds)}")
    return seconds


def _count(text: str) -> Fields:
    count: int = more_than_zero(parse_count)(text.strip())
    if count > MOST_CLIENTS:
        raise UsageError(f"expected at most {MOST_CLIENTS} clients, got {count}")
    return {"count": count}


def _arrive(arrive: float) -> Fields:
    if arrive > LONGEST:
        raise UsageError(f"expected at most {LONGEST / 3_600:.0f}h, got {spell_duration(arrive)}")
    return {"arrive": arrive}


POLICIES: dict[str, Setting] = {
    "connect timeout": described("How long a dial may take. Default: 10s.", or_never("connect_timeout", bound=timer)),
    "watchdog": described(
        "After so long without a sign of life a stream is given up and dialled again. Default: 20s.",
        or_never("watchdog", bound=timer),
    ),
    "watchdog fed by": described(
        "What counts as a sign of life. Default: any byte.",
        choice("watchdog_fed_by", {word.value: word for word in FedBy}),
    ),
    "backoff": described(
        "The wait before a reconnection: the first, and the longest that doubling leads to. Default: 1s to 30s.",
        _range("backoff_base", "backoff_cap"),
    ),
    "jitter": described(
        "How much of a wait is drawn: the upper half, all of it, or nothing. Default: half.",
        choice("jitter", {word.value: word for word in Jitter}),
    ),
    "backoff resets on": described(
        "What makes the next wait the first again. Default: event.",
        choice("backoff_resets_on", {word.value: word for word in ResetsOn}),
    ),
    "on path change": described(
        "Whether a path that was joined ends a wait and a hanging dial. Default: reconnect.",
        choice("heeds_signals", {"reconnect": True, "ignore": False}),
    ),
    "server retry": described(
        "The least and the most that a retry: field of the server can set. Default: 250ms to 30s.",
        _range("server_retry_min", "server_retry_max"),
    ),
    "retry after": described(
        "Whether Retry-After is waited for. Default: obey.",
        choice("obeys_retry_after", {"obey": True, "ignore": False}),
    ),
    "retries": described(
        "The statuses after which the stream is dialled again. Default: 403 408 425 429 5xx.", _statuses("retries")
    ),
    "stops": described("The statuses after which it is not. Default: 204 and every other 4xx.", _statuses("stops")),
    "gives up": described(
        "After how many attempts it gives up. Default: never.",
        one_of(
            {
                "never": lambda: {"gives_up_after": None},
                "after N attempts": lambda attempts: {"gives_up_after": above_zero(attempts)},
            }
        ),
    ),
    "fallback": described(
        "When the status is polled in place of the stream, and how often. Default: poll every 3s after 3 failures.",
        one_of(
            {
                "poll every DURATION after N failures": lambda every, failures: {
                    "poll_every": _no_less(every, SHORTEST_POLL),
                    "polls_after_failures": above_zero(failures),
                },
                "never": lambda: {"polls_after_failures": None},
            },
            example="poll every 3s after 3 failures",
        ),
    ),
    "retry stream": described(
        "How often the stream is tried while polling. Default: every 5m.",
        one_of({"every DURATION": lambda every: {"retry_stream": _no_less(every, SHORTEST_POLL)}}, example="every 5m"),
    ),
    "suspects after": described(
        "After so long a 200 without a byte counts as a failure. Default: 10s.", or_never("suspects_after", bound=timer)
    ),
    "late events": described(
        "What is done with an event that comes after a newer one. Default: drop.",
        one_of(
            {
                "drop": lambda: {"reorder_window": None},
                "wait DURATION": lambda wait: {"reorder_window": above_zero(wait)},
            }
        ),
    ),
    "ids": described(
        "What the client knows of event ids; on the reference server by default epoch-index.",
        choice("ids", {word.value: word for word in Ids}),
    ),
    "fetches results": described(
        "Whether the results of a completed job are fetched. Default: once.",
        choice("fetches_results", {"once": True, "never": False}),
    ),
    "handler takes": described(
        "How long the app's callback takes for each event. Default: 0s.", one("handler_takes", "DURATION")
    ),
    "queue": described(
        "How many events may wait for the app; then a newer one pushes out the oldest. Default: 64 events.",
        one_of(
            {"N events": lambda events: {"queue": above_zero(events)}, "unbounded": lambda: {"queue": None}},
            example="64 events",
        ),
    ),
    "max event": described(
        "The largest event that is read. Default: 1MB.", or_never("max_event", "SIZE", word="unbounded")
    ),
}


class Known(NamedTuple):
    """A client that can be run: what it declares, and the bug that is planted in it, if any."""

    policies: Policies
    mutant: str = ""


PRESENT: Mapping[str, Known] = {
    **{name: Known(policies) for name, policies in PRESETS.items()},
    **{name: Known(REFERENCE, name) for name in MUTANTS},
}
"""The clients that are there without a ``harness.toml``: the presets, and the mutants of the reference."""


def named(name: str, clients: Mapping[str, Known] = PRESENT) -> str:
    """Return the name of a client that can be run. Raises ``UsageError`` with the nearest known name."""
    if name in clients:
        return name
    own = [known for known in clients if known not in PRESENT]
    raise UsageError(
        f"unknown client {quote(name)}{nearest(name, clients)}: expected {', '.join((*PRESETS, *own))}, "
        "a mutant, or a name from harness.toml"
    )


def _section(clients: Mapping[str, Known]) -> dict[str, Setting]:
    """Return the settings of ``client``."""
    return {
        "like": described(
            "A preset, a mutant, or a name from harness.toml; the other settings are laid over it. Default: reference.",
            Setting(lambda text: {"like": named(text.strip(), clients)}, "|".join(clients), "NAME"),
        ),
        "count": described(
            "How many clients, each with a device of its own. Default: 1.", Setting(_count, TOKENS["N"].pattern, "N")
        ),
        "arrive": described(
            "The time within which they all start, at instants that are drawn. Default: within 0s.",
            one_of({"within DURATION": _arrive}, example="within 10s"),
        ),
        **POLICIES,
    }


CLIENT = _section(PRESENT)


def read_client(place: Place, replaced_by: str | None = None, clients: Mapping[str, Known] = PRESENT) -> ClientSpec:
    """Return who is under test; ``clients`` are all that are known.

    ``replaced_by`` is the command line's ``--client``: it takes the place of ``like`` *and* drops the file's policies,
    or a file's ``watchdog: 20s`` would heal the client as shipped. ``count``, ``arrive`` and ``handler takes`` stay.
    A mutant keeps them all: its bug is planted over whatever is declared, so nothing heals it, and the scenario stays
    the one that the reference passes. The file's own words are checked all the same.
    """
    fields = read_section(place, _section(clients), example="{watchdog: 20s}")
    if replaced_by is not None:
        if not clients[replaced_by].mutant:
            fields = {key: value for key, value in fields.items() if key in _KEPT}
        fields["like"] = replaced_by
    like = fields.get("like", "reference")
    known = clients[like]
    changes = {key: value for key, value in fields.items() if key not in _OF_SPEC}
    policies = msgspec.structs.replace(known.policies, **changes)
    if policies.ids is Ids.OPAQUE and policies.reorder_window is not None:
        place.fail('"late events: wait" has nothing to wait for with "ids: opaque": expected "ids: epoch-index"')
    return ClientSpec(
        like=like,
        mutant=known.mutant,
        count=fields.get("count", 1),
        arrive=fields.get("arrive", 0.0),
        policies=policies,
    )
