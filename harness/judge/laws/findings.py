"""The findings of a law in one run, before they become a verdict."""

from collections.abc import Callable

import msgspec

from harness.judge.case import Case, ClientCase
from harness.judge.verdict import Evidence, LawState, LawVerdict

SHOWN = 5
"""The number of records that a failed law shows: the first that offend."""


class LawFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a law was broken. ``sentence`` is in the app's words, without a full stop."""

    sentence: str
    evidence: tuple[Evidence, ...] = ()
    advice: str = ""
    cause: str = ""


class LawFindings:
    """Collects what a law found, client by client. Failed outweighs unknown, unknown outweighs held.

    Nothing checked is *unknown*, unless the plan (or what client and server can report) says why it is *not judged*.
    """

    def __init__(self) -> None:
        self.findings: list[LawFinding] = []
        self.unknown: list[str] = []
        self.not_judged: list[str] = []
        self.held: list[str] = []

    def fail(self, sentence: str, *evidence: Evidence | None, advice: str = "", cause: str = "") -> None:
        """Note one way in which the law was broken, with the records that show it."""
        shown = tuple(item for item in evidence if item is not None)
        self.findings.append(LawFinding(sentence=sentence, evidence=shown, advice=advice, cause=cause))

    def doubt(self, reason: str) -> None:
        """Note why the run cannot say."""
        self.unknown.append(reason)

    def skip(self, reason: str) -> None:
        """Note why there is nothing to judge."""
        self.not_judged.append(reason)

    def hold(self, sentence: str = "") -> None:
        """Note that one thing was checked and found in order."""
        self.held.append(sentence)

    @property
    def state(self) -> LawState:
        """The worst of what was found."""
        if self.findings:
            return LawState.FAILED
        if self.unknown:
            return LawState.UNKNOWN
        if self.held:
            return LawState.HELD
        return LawState.NOT_JUDGED if self.not_judged else LawState.UNKNOWN


def judge_shown(case: Case, of_client: Callable[[ClientCase, LawFindings], None]) -> LawFindings:
    """Judge each client whose app was shown something; of one that reports its callbacks, nothing is unknown."""
    outcome = LawFindings()
    for client in case.clients:
        if client.screen.shown:
            of_client(client, outcome)
        elif client.reports or case.cut_short:
            outcome.doubt("no event reached the app")
        else:
            outcome.skip("the client reports no callbacks")
    return outcome


class Law(msgspec.Struct, frozen=True, kw_only=True):
    """A law: all there is to know of it, and the measure it takes of a run.

    ``priority`` counts from 1, the most fundamental: what the user lost, then what they were told, then what it cost.
    ``says`` explains it in a developer's words, ``breaks`` how real clients have broken it; their threads are public
    ones, as ``owner/repository number``.
    """

    code: str
    word: str
    title: str
    priority: int
    judge: Callable[[Case], LawFindings]
    says: str
    breaks: tuple[str, ...]

    def verdict(self, case: Case) -> LawVerdict:
        """Judge one run. A run that never began is unknown to every law."""
        if case.empty:
            return self._verdict(LawState.UNKNOWN, reason=case.nothing)
        outcome = self.judge(case)
        state = outcome.state
        if state is LawState.FAILED:
            return self._failed(outcome)
        if state is LawState.HELD:
            return self._verdict(state, sentence=next((text for text in outcome.held if text), ""))
        reasons = outcome.unknown if state is LawState.UNKNOWN else outcome.not_judged
        return self._verdict(state, reason="; ".join(dict.fromkeys(reasons)) or "nothing was observed")

    def _failed(self, outcome: LawFindings) -> LawVerdict:
        first = outcome.findings[0]
        more = len(outcome.findings) - 1
        evidence = sorted({item.seq: item for finding in outcome.findings for item in finding.evidence}.items())
        own = {item.seq for item in first.evidence}
        shown = [item for seq, item in evidence if seq in own] + [item for seq, item in evidence if seq not in own]
        return LawVerdict(
            law=self.word,
            code=self.code,
            state=LawState.FAILED,
            sentence=first.sentence + (f" (and {more} more)" if more else ""),
            evidence=tuple(shown[:SHOWN]),
            advice=next((finding.advice for finding in outcome.findings if finding.advice), ""),
            cause=first.cause,
        )

    def _verdict(self, state: LawState, *, sentence: str = "", reason: str = "") -> LawVerdict:
        return LawVerdict(law=self.word, code=self.code, state=state, sentence=sentence, reason=reason)
