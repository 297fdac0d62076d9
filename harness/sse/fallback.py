"""The decision to poll instead: the count of attempts that reached the server and brought nothing."""

import msgspec

from harness.sse.policy import Policies


class Fallback(msgspec.Struct, frozen=True, kw_only=True):
    """The failures since the last event. A failure is an attempt that connected and yielded no event.

    A dial that failed is none: polling needs the same network. ``after`` is the number of failures that suffices,
    ``None`` for never; ``within`` is the time that suffices since the first failing attempt began. Times are seconds.
    """

    after: int | None
    within: float
    failures: int = 0
    first_began: float | None = None
    fell_back: bool = False  # since the last event: from then on, one failure more is enough

    @classmethod
    def of(cls, policies: Policies) -> "Fallback":
        """Return the rule of these policies, before any failure."""
        return cls(after=policies.polls_after_failures, within=policies.falls_back_within)

    def after_failure(self, began: float) -> "Fallback":
        """Count an attempt that began at this instant, connected, and ended without an event."""
        first = began if self.first_began is None else self.first_began
        return msgspec.structs.replace(self, failures=self.failures + 1, first_began=first)

    def after_fallback(self) -> "Fallback":
        """Remember that polling began."""
        return msgspec.structs.replace(self, fell_back=True)

    def after_event(self) -> "Fallback":
        """Forget everything: the stream works."""
        return msgspec.structs.replace(self, failures=0, first_began=None, fell_back=False)

    @property
    def deadline(self) -> float | None:
        """The time of polling, however few the failures; ``None`` without failures, once it began, and for never."""
        if self.after is None or self.first_began is None or self.fell_back:
            return None
        return self.first_began + self.within

    def due(self, now: float) -> bool:
        """Return whether it is time to poll, now that an attempt has failed."""
        if self.after is None or self.first_began is None:
            return False
        return self.fell_back or self.failures >= self.after or now >= self.first_began + self.within
