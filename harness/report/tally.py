"""An invocation counted: scenarios, words, laws and limits over many runs, each composed by the worst."""

from collections.abc import Iterable, Sequence

import msgspec

from harness import exits
from harness.judge.case import COMPLETE
from harness.judge.explain.headline import beside as headline_beside
from harness.judge.laws.proofs import besides, late_deeds
from harness.judge.verdict import ExpectationVerdict, Interval, LawState, LawVerdict, Word
from harness.report import worlds
from harness.report.findings import expected_by, rank
from harness.report.folder import INTERRUPTED, Invocation, RunResult
from harness.report.wording import against, elapsed, joined, joined_by, plural

LAG_SHARE = 0.1
"""If the scheduler's lag exceeds this share of a limit, the verdict on that limit is unknown."""

PROMPT_LIMIT = 0.1

ON = "update latency on "
"""The beginning of the judge's name for the update latency of one path."""

_WAYS = ("faults", "proved", "on_flow", "by_canary", "read_back", "undecided", "nothing", "untried")
"""The counts of ``Trust`` that many runs add up."""

MOST_UNFELT = 5
"""The number of faults that touched no client and are named; of more there is a count."""

_WORST = (Word.FAIL, Word.VOID, Word.UNKNOWN, Word.PASS)
_WORST_STATE = (LawState.FAILED, LawState.UNKNOWN, LawState.WAIVED, LawState.HELD, LawState.NOT_JUDGED)


class ScenarioRuns(msgspec.Struct, frozen=True, kw_only=True):
    """All runs of one scenario, in the order of their folders' plans."""

    name: str
    runs: list[RunResult]

    @property
    def word(self) -> Word:
        """The worst word of its runs."""
        return worst(run.verdict.word for run in self.runs)

    @property
    def said(self) -> str:
        """The same; ``interrupted`` where that is why nothing can be said."""
        return next(run.word for run in self.runs if run.verdict.word is self.word)


def worst(words: Iterable[Word]) -> Word:
    """Return the word of many runs: a found defect stays found, so fail comes before void. None: unknown."""
    seen = set(words)
    return next((word for word in _WORST if word in seen), Word.UNKNOWN)


def word_of(invocation: Invocation) -> Word:
    """Return the word of a whole invocation.

    It is no pass while a run is missing that was planned, or not judged, or not compared as was asked for; and void
    where a model of the harness was shown to be wrong, or a fault kept a run from being judged.
    """
    words = [run.verdict.word for run in invocation.runs]
    words += [Word.VOID for run in invocation.runs if worlds.trouble(run)]
    words += [Word.UNKNOWN for run in invocation.runs if worlds.doubt(run)]
    words += [Word.VOID for key in invocation.unjudged if key in invocation.manifest.faults]
    words += [Word.VOID] if invocation.manifest.fault else []
    return worst([*words, Word.UNKNOWN] if not words or invocation.left_out else words)


class InvocationEnd(msgspec.Struct, frozen=True):
    """The end of an invocation: its last word, and the exit code that goes with it."""

    word: str
    exit: int


def ending(invocation: Invocation) -> InvocationEnd:
    """Return the word and the exit code of an invocation, in every output and of the process itself.

    A signal that cut it short comes before everything else; then the word decides, and for an unknown one what
    ``--unknown`` said.
    """
    if invocation.manifest.signal:
        return InvocationEnd(INTERRUPTED, 128 + invocation.manifest.signal)
    word = word_of(invocation)
    tolerated = word is Word.UNKNOWN and invocation.manifest.unknown == "warn"
    return InvocationEnd(str(word), exits.PASS if tolerated else exits.OF_WORD[word])


def groups(runs: Sequence[RunResult]) -> list[ScenarioRuns]:
    """Return the runs by scenario; scenarios in order of first appearance, variants as the file sweeps them."""
    found: dict[str, list[RunResult]] = {}
    for run in runs:
        found.setdefault(run.plan.name or run.plan.scenario, []).append(run)
    return [ScenarioRuns(name=name, runs=members) for name, members in found.items()]


def headline(invocation: Invocation) -> str:
    """Return the last word: ``PASS  1 scenario, 2 variants in 43.2 s``, or the counts where scenarios are many."""
    runs = invocation.runs
    word = ending(invocation).word
    scenarios = groups(runs)
    took = elapsed(invocation.manifest.seconds or max((run.verdict.seconds for run in runs), default=0.0))
    if len(scenarios) == 1 and not invocation.left_out:
        parts = [plural(1, "scenario"), *_kinds(runs)]
        return f"{word.upper()}  {', '.join(parts)} in {took}"
    return f"{word.upper()}  {counted(invocation)} in {took}"


def _kinds(runs: Sequence[RunResult]) -> list[str]:
    """Return what the runs of one scenario are: its variants, and clients, worlds and seeds where there are several.

    Where variants do not say how many runs there were, these are counted.
    """
    variants = len({run.plan.variant for run in runs})
    clients = len({run.verdict.client for run in runs})
    two = len({run.plan.world for run in runs})
    again = len(runs) != variants * clients * two
    parts = [plural(variants, "variant")] if variants > 1 or not again else []
    parts += [plural(clients, "client")] if clients > 1 else []
    parts += ["2 worlds"] if two > 1 else []
    return [*parts, plural(len(runs), "run"), seeds_of(runs)] if again else parts


def seeds_of(runs: Sequence[RunResult]) -> str:
    """Return ``seed 7``, ``seeds 7, 8, 9``: all of them up to five."""
    seeds = list(dict.fromkeys(str(run.plan.seed) for run in runs))
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(seeds[:5])}{'…' if len(seeds) > 5 else ''}"


def marks(runs: Sequence[RunResult]) -> dict[str, str]:
    """Return what tells each run, by its key, from the others of its scenario: variant, and seed where several."""
    seeds = len({run.plan.seed for run in runs}) > 1
    return {
        run.key: " ".join(filter(None, [run.plan.variant, f"seed {run.plan.seed}" if seeds else ""])) for run in runs
    }


def counted(invocation: Invocation) -> str:
    """Return ``31 passed, 2 failed, 1 unknown, 6 not run``; what there is none of is left out."""
    words = [run.word for run in invocation.runs]
    pairs = [
        (words.count("pass"), "passed"),
        (words.count("fail"), "failed"),
        (words.count("void"), "void"),
        (words.count("unknown"), "unknown"),
        (words.count(INTERRUPTED), "interrupted"),
        (len(invocation.unjudged), "without a verdict"),
        (len(invocation.manifest.not_run), "not run"),
        (len(invocation.manifest.missing), "missing"),
    ]
    return ", ".join(f"{count} {word}" for count, word in pairs if count) or "nothing was run"


def laws_of(runs: Sequence[RunResult]) -> list[LawVerdict]:
    """Return each law once, with its worst verdict over the runs, in the order of their codes."""
    by_law: dict[str, LawVerdict] = {}
    for run in runs:
        for law in run.verdict.laws:
            known = by_law.get(law.law)
            if known is None or _WORST_STATE.index(law.state) < _WORST_STATE.index(known.state):
                by_law[law.law] = law
    return sorted(by_law.values(), key=_place)


def _place(law: LawVerdict) -> tuple[bool, int, str]:
    """The harness's laws first, each kind by number."""
    return law.code[:1] != "H", int(law.code[1:]) if law.code[1:].isdigit() else 99, law.law


def laws_line(runs: Sequence[RunResult]) -> str:
    """Return ``laws 15 held, 1 not judged (server-frees)``: counts by state, all but the held ones named."""
    laws = laws_of(runs)
    parts = []
    for state in (LawState.HELD, LawState.FAILED, LawState.UNKNOWN, LawState.NOT_JUDGED, LawState.WAIVED):
        named = sorted((law.law for law in laws if law.state is state), key=rank)
        if named:
            parts.append(f"{len(named)} {state}" + ("" if state is LawState.HELD else f" ({', '.join(named)})"))
    return "laws " + (", ".join(parts) if parts else "none judged")


def faults_line(runs: Sequence[RunResult]) -> str:
    """Return ``faults proved 5 of 5 (3 on the client's flow, 2 by canary)``; or that none was planned, or tried.

    Those that were only read back are told beside it. So are the undecided deeds, those that had nothing to act on or
    met no client, and those that came late.
    """
    trusts = [run.verdict.trust for run in runs]
    ways = {name: sum(getattr(trust, name) for trust in trusts) for name in _WAYS}
    if not any(ways[name] for name in ("faults", "nothing", "untried")):
        cut = any(run.plan.deeds and run.verdict.trust.ended not in COMPLETE for run in runs)
        return "no fault was tried" if cut else "no faults planned"
    read_back, untried = ways["read_back"], ways["untried"]
    total, proved = ways["faults"] - read_back, ways["proved"] - read_back
    how = [(ways["on_flow"], "on the client's flow"), (ways["by_canary"], "by canary")]
    shown = ", ".join(f"{count} {where}" for count, where in how if count)
    told = [
        joined_by(
            ", ",
            f"proved {proved} of {total}" + (f" ({shown})" if shown else "") if total or not read_back else "",
            f"confirmed by reading back {read_back}" if read_back else "",
        ),
        f"{ways['undecided']} undecided" if ways["undecided"] else "",
        f"{ways['nothing']} nothing to do" if ways["nothing"] else "",
        f"{plural(untried, 'deed')} untried: the job had ended" if untried else "",
        late_deeds([one for run in runs for one in run.verdict.deeds]),
    ]
    return f"faults {joined(told)}"


def unfelt(runs: Sequence[RunResult], *, most: int = MOST_UNFELT) -> str:
    """Return the faults that touched nothing of any client, by name: ``middle answers 503 to results at 40 s``."""
    named = list(dict.fromkeys(one.said for run in runs for one in run.verdict.deeds if one.unfelt))
    more = [f"{len(named) - most} more"] if len(named) > most else []
    return "; ".join([*named[:most], *more])


def beside(run: RunResult) -> str:
    """Return the second line of a run's headline: ``109 of 301 shown · 192 covered … · stale up to 17.5 s``.

    The sentence of a pass says lost and repeated, and which deeds met no client. One that did not pass says what was
    broken, and so its second line says these too. A void run has none but what is not zero.
    """
    verdict = run.verdict
    whole = verdict.word in {Word.FAIL, Word.UNKNOWN}
    parts = headline_beside(verdict.counts, verdict.measures, whole=whole)
    return joined([*parts, *(besides(verdict.deeds) if whole else [])])


def repeated(runs: Sequence[RunResult]) -> str:
    """Return how many runs were made once more, alone; empty where none was."""
    count = sum(run.verdict.trust.repeated for run in runs)
    return f"{plural(count, 'run')} made once more, alone: a deed of the first try came too late" if count else ""


def limits_of(runs: Sequence[RunResult]) -> list[tuple[RunResult, ExpectationVerdict]]:
    """Return each expectation of the file once, from the run that came nearest to its limit, or went furthest past."""
    nearest: dict[tuple[str, int], tuple[RunResult, ExpectationVerdict]] = {}
    for run in runs:
        for item in run.verdict.expectations:
            key = (item.metric, item.line)
            if key not in nearest or _tightness(item) < _tightness(nearest[key][1]):
                nearest[key] = (run, item)
    return list(nearest.values())


def limits_line(runs: Sequence[RunResult]) -> str:
    """Return ``recovery 2.0 s < 5 s · attempts 4 ≤ 6``: of each expectation the worst of the runs."""
    return joined(against(expected_by(run.plan, item), item) for run, item in limits_of(runs))


def host_line(runs: Sequence[RunResult]) -> str:
    """Return what the harness's own lag says about the figures; in virtual time there is none."""
    virtual = [run for run in runs if run.plan.world == "virtual"]
    if virtual:
        real = [run for run in runs if run.plan.world != "virtual"]
        return joined([host_line(real) if real else "", worlds.host(virtual)])
    lags = [run.verdict.trust.lag_p99 for run in runs if run.verdict.trust.lag_p99 is not None]
    if not lags:
        return "scheduler lag not measured: bounds on time cannot be trusted"
    lag, limit = max(lags), PROMPT_LIMIT * LAG_SHARE
    trusted = "figures can be trusted" if lag <= limit else "too high, tight limits are unknown"
    return f"scheduler lag p99 {lag * 1000:.1f} ms (limit {limit * 1000:.0f} ms): {trusted}"


def steady_latency(run: RunResult) -> tuple[str, Interval | None]:
    """Return a path and the update latency in its steady windows: the path the device started on, if it had any.

    Over several paths pooled the figure would say little; without a figure by path, the pooled one has no path.
    """
    measures = run.verdict.measures
    by_path = {name.removeprefix(ON): figure for name, figure in measures.items() if name.startswith(ON)}
    path = run.plan.device.starts_on if run.plan.device.starts_on in by_path else next(iter(by_path), "")
    return (path, by_path[path]) if path else ("", measures.get("update latency"))


def _tightness(item: ExpectationVerdict) -> tuple[int, float]:
    """Order expectations by how little room they left: failed first, then unknown, then by margin."""
    return _WORST_STATE.index(item.state), item.margin if item.margin is not None else float("inf")
