"""The policies of a client, as immutable values: the two presets, and every setting between them.

All times are seconds, all sizes bytes; ``None`` means *never* (a time) or *unbounded* (a size or a count).
``msgspec.UNSET`` is *unknown*: the scenario does not declare this policy of the client under test. A client that runs
has a value for every policy.
The settings and their defaults are those of the scenario language's ``client`` section.
"""

import enum
import math

import msgspec


class Jitter(enum.StrEnum):
    """The share of the computed delay d that a wait may take: half is [½d, d], full is [0, d], none is d."""

    HALF = "half"
    FULL = "full"
    NONE = "none"


class FedBy(enum.StrEnum):
    """The bytes that feed the watchdog."""

    ANY_BYTE = "any byte"
    EVENTS = "events"


class ResetsOn(enum.StrEnum):
    """The evidence that resets the backoff to its base."""

    EVENT = "event"
    OPEN = "open"


class Ids(enum.StrEnum):
    """A client's reading of event ids: opaque, or ``<epoch>-<index>`` where the server documents that form."""

    OPAQUE = "opaque"
    EPOCH_INDEX = "epoch-index"


def declared(policy: object) -> bool:
    """Return whether a policy is declared. ``UNSET`` is unknown, not the reference's value; ``None`` means never."""
    return policy is not msgspec.UNSET


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """The reference client's behaviour, one named policy each. The defaults are the preset ``reference``."""

    connect_timeout: float | None = 10.0
    watchdog: float | None = 20.0
    watchdog_fed_by: FedBy = FedBy.ANY_BYTE
    backoff_base: float = 1.0
    backoff_cap: float = 30.0
    jitter: Jitter = Jitter.HALF
    backoff_resets_on: ResetsOn = ResetsOn.EVENT
    heeds_signals: bool = True  # `on path change: reconnect`: a join cuts the wait and drops a hung dial
    server_retry_min: float = 0.25  # the clamp of `retry:`
    server_retry_max: float = 30.0
    obeys_retry_after: bool = True
    retries: tuple[str, ...] = ("403", "408", "425", "429", "5xx")
    stops: tuple[str, ...] = ("204", "4xx")  # `retries` wins where both match; 401, 409 and 410 have rules of their own
    gives_up_after: int | None = None  # attempts
    poll_every: float = 3.0
    polls_after_failures: int | None = 3  # None: never falls back
    falls_back_within: float = 20.0  # of the first failing attempt's beginning, however few failures
    retry_stream: float = 300.0  # while polling, between probes of the stream
    suspects_after: float | None = 10.0  # of a 200 without a byte: counts as a failure
    reorder_window: float | None = None  # `late events`: None is drop
    ids: Ids | None = None  # None: not said, so opaque; in a run on the harness's own server it is known
    fetches_results: bool = True
    handler_takes: float = 0.0
    queue: int | None = 64  # updates that wait behind a callback: one more pushes out the oldest
    max_event: int | None = 1_000_000

    @property
    def retry_after_max(self) -> float:
        """The longest ``Retry-After`` that is obeyed to the full: no longer than the client would wait by itself.

        Law L15 lets a client poll for ``retry stream`` + R once streams are usable, whatever a server had asked for
        before; and no server may put off a client for good.
        """
        return max(self.retry_stream, self.backoff_cap)

    def clamp_retry(self, seconds: float) -> float:
        """Return the reconnection time that is taken from a server's ``retry:``."""
        return min(max(seconds, self.server_retry_min), self.server_retry_max)

    def heed_retry_after(self, seconds: float | None) -> float | None:
        """Return the seconds for which a ``Retry-After`` is obeyed; None where there is none, or it is not obeyed."""
        return None if seconds is None or not self.obeys_retry_after else min(seconds, self.retry_after_max)

    @property
    def undeclared(self) -> tuple[str, ...]:
        """The names of the policies that are not declared."""
        return tuple(name for name in self.__struct_fields__ if not declared(getattr(self, name)))

    def without(self, *undeclared: str) -> "Policies":
        """Return a copy in which the policies of these names are not declared."""
        return msgspec.structs.replace(self, **dict.fromkeys(undeclared, msgspec.UNSET)) if undeclared else self

    @property
    def with_excuses(self) -> "Policies":
        """Return a copy in which each undeclared policy has its most lenient value: no bound, and no demand."""
        excuses = {name: _EXCUSES.get(name, getattr(REFERENCE, name)) for name in self.undeclared}
        return msgspec.structs.replace(self, **excuses) if excuses else self


REFERENCE = Policies()
"""The policies of a good mobile client."""

_EXCUSES: dict[str, object] = {
    "connect_timeout": None,
    "watchdog": None,
    "backoff_base": math.inf,
    "backoff_cap": math.inf,
    "heeds_signals": False,
    "server_retry_min": 0.0,
    "server_retry_max": math.inf,
    "obeys_retry_after": False,
    "retries": (),
    "gives_up_after": 0,
    "poll_every": math.inf,
    "polls_after_failures": 1,
    "falls_back_within": 0.0,
    "retry_stream": math.inf,
    "suspects_after": None,
    "fetches_results": False,
    "queue": None,
    "max_event": None,
}
"""The most lenient value of an undeclared policy. A policy that is not here excuses nothing: the reference's value."""

AS_SHIPPED = msgspec.structs.replace(
    REFERENCE,
    connect_timeout=None,
    watchdog=None,
    heeds_signals=False,
    suspects_after=None,
    queue=None,
    max_event=None,
)
"""The mobile client as it shipped: infinite timeouts, no watchdog, deaf to path signals."""

PRESETS = {"reference": REFERENCE, "as-shipped": AS_SHIPPED}
