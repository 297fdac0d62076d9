"""Explanations, for a stranger who has to find the bug: each wrong client's verdict names what the client did."""

import pytest

from harness.clients.decisions import Decisions
from harness.clients.mutants import MUTANTS, Mutant
from harness.judge.judge import judge
from harness.judge.verdict import Verdict
from harness.run.rehearsal import rehearse
from harness.scenario import bundled, load, plans
from harness.sse.response import Meaning, ResponseVerdict


def verdict(scenario: str, client: str, **select: str) -> Verdict:
    plan = plans(load(bundled()[scenario]), client=client, select=select, world="virtual")[0]
    return judge(plan, rehearse(plan))


SENTENCES = {
    ("flapping", "dies-of-errors"): "The client gave up at 8.0 s, while the job was alive, upon the end of its attempt",
    ("captive-portal", "gives-up"): "The client gave up at 12.9 s, while the job was alive, after 3 attempts that",
    ("firewall", "stops-at-5xx"): "when a stream request was answered 403",
    ("long-tunnel", "forgets-last-id"): "the last one dispatched was",
}


@pytest.mark.parametrize(("scenario", "client"), SENTENCES)
def test_the_headline_says_what_the_client_did(scenario, client):
    assert SENTENCES[scenario, client] in verdict(scenario, client).sentence


def test_one_who_gave_up_is_told_so_once_and_by_no_other_advice():
    found = verdict("flapping", "dies-of-errors")
    failed = [law for law in found.laws if law.state == "failed"]
    assert {law.cause for law in failed} == {"gave-up"}
    assert {law.advice for law in failed} == {
        "Fix: while the job lives, keep trying with backoff; say reconnecting, and keep on_error for the end"
    }


def test_an_id_that_no_reconnection_carried_was_not_forgotten_on_the_way():
    never = verdict("handoff", "forgets-last-id", gap="5s").sentence
    assert never.startswith("The reconnection at 25.4 s sent no Last-Event-ID, the last one dispatched was a-799")
    assert "forgotten" not in never
    assert (
        "it was forgotten after a stream that brought no event"
        in verdict("flapping", "forgets-id-after-empty").sentence
    )


def test_events_of_one_number_are_told_from_events_that_were_not_read():
    found = next(law for law in verdict("handoff", "misnumbers-bursts", gap="5s").laws if law.law == "no-gap")
    assert found.cause == "misnumbered"
    assert "says that it took 137 events for repeats of a-937 at 26.6 s: it had given them that id" in found.sentence
    assert "at its own blank line" in found.advice


def missed(scenario: str, client: str, **select: str):
    """The limits that were missed, by metric."""
    return {one.metric: one for one in verdict(scenario, client, **select).expectations if one.state == "failed"}


def test_an_end_that_lay_at_the_phone_is_one_story_of_two_limits():
    found = missed("baseline", "one-event-late")
    assert {one.cause for one in found.values()} == {"held-back"}
    assert found["attempts"].sentence == (
        "attempts 3 (limit 0): completed reached the phone at 30.0 s and was shown only at 35.6 s"
    )
    assert [one.text for one in found["attempts"].evidence][
        1
    ] == "attempt 2 begins; attempt 1: the server ended it at 30.0 s"
    assert 3 <= len(found["attempts"].evidence) <= 5
    assert found["terminal"].advice.startswith("Fix: hand an event on at its blank line")


def test_a_recovery_that_hung_in_a_dial_says_so():
    found = missed("long-tunnel", "waits-out-dial")
    assert found["recovery"].cause == "hung-dial"
    assert "attempt 2, begun at 23.2 s, hung for " in found["recovery"].sentence
    assert "connect deadline" in found["recovery"].advice


def test_who_never_polled_has_nothing_to_return_from():
    found = missed("firewall", "never-falls-back", opens="12s", refusal="answers 403 to streams")
    assert {one.cause for one in found.values()} == {"no-fallback"}
    assert [one.text for one in found["fallback"].evidence] == ["stream request: answered 403"] * 4
    assert "brought no event, from 0.2 s on, and no status request followed" in found["fallback"].sentence


def test_a_comment_that_became_an_event_is_no_repeat():
    found = verdict("flapping", "shows-phantoms")
    assert found.sentence == (
        "The app got 7 callbacks with an empty payload and the id of an event that it had been shown before "
        "(first a-7 at 31.7 s)."
    )
    law = next(law for law in found.laws if law.law == "no-duplicate")
    assert [one.text for one in law.evidence][:2] == [
        "on_processing, id a-7: the event itself",
        "on_processing, id a-7: empty payload",
    ]
    assert "a comment, a block without data" in law.advice


class TakesA410ForTheEnd(Decisions):
    """Takes a refused cursor for a refused job."""

    def judge(self, status, content_type, *, token_refreshed):
        if status == 410:
            return ResponseVerdict(Meaning.STOP, "status 410")
        return super().judge(status, content_type, token_refreshed=token_refreshed)


def test_a_refused_cursor_is_told_from_a_refused_job(monkeypatch):
    monkeypatch.setitem(MUTANTS, "stops-at-5xx", Mutant(name="", stands_for="", decisions=TakesA410ForTheEnd))
    found = verdict("replay-too-old", "stops-at-5xx", cursor="410", gaps="1")
    assert found.sentence == (
        "The client gave up at 16.0 s, while the job was alive, when a stream request was answered 410 "
        "(it told the app: the stream was refused: status 410)."
    )
    assert {law.advice[:72] for law in found.laws if law.state == "failed"} == {
        "Fix: a 409 or 410 on the stream refuses the cursor, not the job: tell th"
    }
