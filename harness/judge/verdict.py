"""The verdict as data: what ``verdict.json`` holds and the report shows.

A law is held, failed, unknown, not judged or waived; a run is void, fail, unknown or pass, the worst first.
"""

import enum
import math

import msgspec

from harness.judge.percentiles import Estimate
from harness.judge.phrases import limit
from harness.scenario.model import Warned

SCHEMA_VERSION = 2


class LawState(enum.StrEnum):
    """The state of one law, or of one expectation."""

    HELD = "held"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_JUDGED = "not judged"
    WAIVED = "waived"


class Word(enum.StrEnum):
    """The word on a run."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    UNKNOWN = "unknown"
    VOID = "void"


class ProvedBy(enum.StrEnum):
    """The fate of a deed: how it was proved, the best way first, or why it was not."""

    FLOW = "flow"  # on a client's own flow, dial, request or signal
    CANARY = "canary"  # by a flow of the harness
    READ_BACK = "read back"  # by what its executor shows
    UNDECIDED = "undecided"  # other deeds in force hid it
    NOTHING = "nothing to do"  # there was nothing that it could have been done to
    UNTRIED = "untried"  # it came only after every client had lawfully finished
    NOT_DUE = "not due"  # the run ended before it
    UNPROVED = "not proved"


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record that shows it: ``at`` in scenario seconds, ``lane`` as records name it, ``seq`` into the history."""

    seq: int
    at: float
    lane: str
    text: str


class LawVerdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One law of one run. ``sentence`` says what happened in the app's words; ``reason`` why it was not judged."""

    law: str  # its word, as `waive` has it: "no-gap"
    code: str  # "L2"
    state: LawState
    sentence: str = ""
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()
    advice: str = ""
    cause: str = ""  # a short key shared by failures of one cause: "never-noticed", "wrong-resume"
    waiver: str = ""  # the reason given, when waived or when the waiver was not needed


class Interval(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A figure with its uncertainty and number of samples; None where it has none (n too small). +inf is "lost"."""

    value: float | str | None  # "lost" is +infinity, since JSON has none
    low: float | str | None = None
    high: float | str | None = None
    n: int = 0
    unit: str = "s"

    @classmethod
    def of(cls, found: Estimate, unit: str = "s") -> "Interval":
        """Return an estimate as JSON can hold it."""
        value, low, high = (
            "lost" if end is not None and math.isinf(end) else end for end in (found.value, found.low, found.high)
        )
        return cls(value=value, low=low, high=high, n=found.n, unit=unit)


class ExpectationVerdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An expectation of the file, measured; where it failed, with its story, as a law has it."""

    metric: str
    limit: str  # as written: "under 5s"
    state: LawState
    measured: Interval
    margin: float | None = None  # limit minus measured, positive when inside, in the metric's unit
    line: int = 0
    reason: str = ""
    sentence: str = ""
    evidence: tuple[Evidence, ...] = ()
    advice: str = ""
    cause: str = ""  # shared by those of one story


class Span(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A time span in scenario seconds, for shading and windows."""

    start: float
    end: float
    label: str = ""


class OutageVerdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One outage of one client: when it began, healed, and when the app had caught up (None: never)."""

    client: str
    began: float
    healed: float | None = None
    caught_up: float | None = None
    detected: float | None = None
    attempts: int = 0


class DeedVerdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One deed of the plan: ``way`` says how it was proved, ``felt`` how many of the clients it touched.

    ``ends``: it is the end of another's span. ``late``: seconds behind the plan, where these are worth telling.
    """

    deed: int  # its index in the plan
    at: float
    text: str
    way: ProvedBy
    felt: int = 0
    clients: int = 1
    ends: bool = False
    late: float = 0.0

    @property
    def unfelt(self) -> bool:
        """True if it was done while a client could have met it, and touched nothing of any."""
        met = self.way not in {ProvedBy.UNTRIED, ProvedBy.NOT_DUE, ProvedBy.UNPROVED, ProvedBy.NOTHING}
        return met and not self.felt and not self.ends

    @property
    def said(self) -> str:
        """The deed and when it was planned: ``wifi silent at 20 s``."""
        return f"{self.text} at {limit(self.at)}"


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Anomalies and traffic of the whole run, over all clients."""

    emitted: int = 0
    delivered: int = 0  # callbacks that showed a state
    shown: int = 0  # events that a callback showed
    coalesced: int = 0  # of those not shown: merged by a full queue
    covered: int = 0  # by a snapshot
    withheld: int = 0  # by the server, without a word
    said: int = 0  # said aloud to be missing, no snapshot being had
    not_owed: int = 0  # behind a final refusal, or from before what the server still had
    lost: int = 0
    duplicated: int = 0
    retold: int = 0  # shown again as they came again, without an id by which a client could know them
    reordered: int = 0
    corrupted: int = 0
    phantom: int = 0
    regressed: int = 0
    wrong_resumes: int = 0
    absorbed: int = 0
    gaps: int = 0
    attempts: int = 0
    reconnections: int = 0
    wasted_attempts: int = 0
    requests: int = 0
    polls: int = 0
    results_fetched: int = 0


class Trust(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Can it be trusted? Faults proved, and the harness's own health."""

    faults: int = 0
    proved: int = 0
    on_flow: int = 0  # of those proved: on a client's own flow
    by_canary: int = 0  # by a flow of the harness
    read_back: int = 0  # by what their executor shows, where a flow had nothing to meet
    undecided: int = 0  # of those not proved: hidden by another deed, or the next one came first
    nothing: int = 0  # deeds that there was nothing for; no faults
    untried: int = 0  # deeds that came only after every client had lawfully finished
    repeated: bool = False  # alone, since the first try was void for a deed that came late
    lag_p99: float | None = None  # seconds
    lag_max: float | None = None
    control_max: float | None = None
    clock_bound: float = 0.0  # one host: 0
    truncated: bool = False
    ended: str = ""  # End.reason, or "killed"
    fault: str = ""  # of the environment or of the harness, which ended the run
    digest: str = ""  # of the history, in virtual time
    facts: dict[str, str] = {}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The judgement of one run."""

    schema_version: int = SCHEMA_VERSION
    word: Word
    sentence: str
    scenario: str = ""
    name: str = ""
    variant: str = ""
    client: str = ""
    world: str = ""
    seed: int = 0
    seconds: float = 0.0  # how long the run took, from 0 s to its end
    laws: tuple[LawVerdict, ...] = ()
    expectations: tuple[ExpectationVerdict, ...] = ()
    counts: Counts = Counts()
    measures: dict[str, Interval] = {}  # "update latency", "transport", "staleness max", "recovery", "detection", …
    deeds: tuple[DeedVerdict, ...] = ()
    outages: tuple[OutageVerdict, ...] = ()
    steady: tuple[Span, ...] = ()
    faults: tuple[Span, ...] = ()  # for shading: from each deed to the healing
    warnings: tuple[Warned, ...] = ()  # of the plan
    trust: Trust = Trust()
    aborted: bool = False
