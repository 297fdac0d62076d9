"""L1 to L5, L14 and L16 need nothing that a client says of itself: they hold, and fail, without its claims."""

import pytest

from harness.history import Absorbed, Adopted, Attempt, AttemptEnd, Block, Gap, History, Results, Status
from harness.judge.judge import judge
from harness.judge.verdict import State
from harness.run.rehearsal import rehearse
from harness.scenario import load, plans

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


def states(tmp_path, text: str, *, client: str | None = None) -> dict[str, State]:
    """The laws' states of one run, of whose history all claims are deleted."""
    file = tmp_path / "story.yaml"
    file.write_text(f"scenario: story\njob: {{lasts: 20s, updates: every 500ms}}\npaths: {{wifi: wifi}}\n{text}\n")
    (plan,) = plans(load(file), client=client, world="virtual")
    history = rehearse(plan)
    assert any(isinstance(record, CLAIMS) for record in history.records)
    facts = History([record for record in history.records if not isinstance(record, CLAIMS)])
    return {one.law: one.state for one in judge(plan, facts).laws if one.law in LAWS}


@pytest.mark.parametrize("story", STORIES)
def test_without_its_claims_the_reference_client_holds_them(tmp_path, story):
    assert set(states(tmp_path, STORIES[story]).values()) <= {State.HELD, State.NOT_JUDGED}


@pytest.mark.parametrize(
    ("client", "law"),
    [("drops-every-second", "no-gap"), ("polls-for-replay", "no-gap"), ("replays-history", "no-duplicate")],
)
def test_without_its_claims_a_wrong_client_fails_them(tmp_path, client, law):
    assert states(tmp_path, "timeline: {5s: {wifi: closed for 100ms}}", client=client)[law] is State.FAILED
