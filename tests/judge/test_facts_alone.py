"""A client's words on itself decide nothing: words, laws, counts and causes are the same without its claims."""

import pytest

from harness.history import Absorbed, Adopted, Attempt, AttemptEnd, Block, Gap, Results, Status
from harness.judge.judge import judge
from harness.judge.verdict import LawState, Verdict
from harness.run.rehearsal import rehearse
from harness.scenario import load, plans
from tests.judge.story import without

CLAIMS = (Attempt, AttemptEnd, Block, Absorbed, Adopted, Status, Gap, Results)
LAWS = ("terminal-once", "no-gap", "no-duplicate", "order", "progress", "prompt", "fresh")
STORIES = {
    "a reset": "timeline: {5s: {wifi: reset for 3s}}",
    "a full queue behind a slow callback": "client: {handler takes: 1200ms, queue: 3 events}",
    "streams are refused": "timeline: {0s: {middle: answers 403 to streams}}",
    "a log that was lost": "timeline: {5s: {server: restarts losing log after 2s}}",
    "a cursor older than the log": "server: {replay: 2 events}\ntimeline: {5s: {wifi: closed for 4s}}",
    "an event cut short": "timeline: {5s: {wifi: closed mid data}}",
}


MOVES = "timeline: {5s: {wifi: [unreachable, reset once]}, 9s: {device: [joins cellular, prefers cellular]}}"
RESET_EVENT = "server: {expired cursor: reset event}\ntimeline: {5s: {server: restarts losing log after 2s}}"
CLOSED = "timeline: {5s: {wifi: closed for 100ms}}"
WRONG = [
    ("drops-every-second", "no-gap", CLOSED),
    ("polls-for-replay", "no-gap", CLOSED),
    ("replays-history", "no-duplicate", CLOSED),
    ("forgets-last-id", "resume", "a reset"),
    ("dies-of-errors", "discreet", "a reset"),
    ("stops-at-eof", "terminal-once", "timeline: {5s: {server: drains for 1s}}"),
    ("no-watchdog", "recovery", "timeline: {5s: {wifi: silent for 3s}}"),
    ("waits-out-dial", "recovery", MOVES),
    (
        "dedupes-across-epochs",
        "no-gap",
        RESET_EVENT,
    ),
    ("stops-at-5xx", "discreet", "timeline: {5s: {server: answers 503 for 3s, wifi: reset once}}"),
]


SPOKEN = {"honest-status"}
"""Laws of a claim that is a fact, the word that a person is shown: without it they are not judged."""


def told(tmp_path, text: str, *, client: str | None = None) -> tuple[Verdict, Verdict]:
    """The verdicts on one run: with the client's claims, and with all of them deleted."""
    file = tmp_path / "story.yaml"
    network = "job: {lasts: 20s, updates: every 500ms}\npaths: {wifi: wifi, cellular: lte}"
    file.write_text(f"scenario: story\n{network}\n{text}\n")
    (plan,) = plans(load(file), client=client, world="virtual")
    history = rehearse(plan)
    assert any(isinstance(record, CLAIMS) for record in history.records)
    return judge(plan, history), judge(plan, without(history, *CLAIMS))


def laws_of(verdict: Verdict) -> dict[str, tuple[LawState, str]]:
    """State and cause of each law that claims must not touch."""
    return {one.law: (one.state, one.cause) for one in verdict.laws if one.law not in SPOKEN}


def unmoved(said: Verdict, unsaid: Verdict) -> None:
    """Word, laws and counts are equal; a cause may be missing, and is never another."""
    assert (unsaid.word, unsaid.counts) == (said.word, said.counts)
    mine, its = laws_of(said), laws_of(unsaid)
    assert {law: state for law, (state, _) in its.items()} == {law: state for law, (state, _) in mine.items()}
    assert all(cause in {"", mine[law][1]} for law, (_, cause) in its.items())


@pytest.mark.parametrize("story", STORIES)
def test_without_its_claims_the_reference_client_holds_them(tmp_path, story):
    said, unsaid = told(tmp_path, STORIES[story])
    unmoved(said, unsaid)
    assert {one.state for one in unsaid.laws if one.law in LAWS} <= {LawState.HELD, LawState.NOT_JUDGED}


@pytest.mark.parametrize(("client", "law", "story"), WRONG, ids=[client for client, *_ in WRONG])
def test_without_its_claims_a_wrong_client_fails_by_the_same_laws_and_causes(tmp_path, client, law, story):
    said, unsaid = told(tmp_path, STORIES.get(story, story), client=client)
    unmoved(said, unsaid)
    assert laws_of(unsaid)[law] == laws_of(said)[law]
    assert laws_of(unsaid)[law][0] is LawState.FAILED
