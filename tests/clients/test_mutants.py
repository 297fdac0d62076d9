"""Each mutant on the smallest story that shows its bug, beside the reference client, which has none."""

import msgspec
import pytest
import trio

from harness.clients.mutants import MUTANTS, REFERENCE_CLIENT, mutant
from harness.errors import UsageError
from harness.scenario import clients
from harness.sse.policy import REFERENCE
from tests.clients.beside import both, streams
from tests.clients.stage import Stage, answers, completes, event, says, silence

LATE = (
    "one-event-late",
    "fills-buffer",
    "drops-blank-lines",
    "sits-on-connection",
    "shows-late",
    "starts-late",
)  # also where nothing goes wrong
NEVER_POLLS = msgspec.structs.replace(REFERENCE, polls_after_failures=None)


def opens_at(moment):
    return lambda now: "hang" if now < moment else "open"


def at(moment, what):
    async def actor(stage, _client):
        await trio.sleep(moment)
        stage.signal(what)

    return actor


def rests(seconds, block=None):
    """An event, a rest with a block every 15 s at most, and the end."""

    async def handler(reply):
        await reply.head()
        await reply.events(0)
        for _ in range(int(seconds // 15)):
            await trio.sleep(15)
            await reply.body(block or "")
        await trio.sleep(seconds % 15)
        await reply.events(1, kind="completed")
        await trio.sleep_forever()

    return handler


def replays(*ids):
    """The events after the cursor; the last of them ends the job."""

    async def handler(reply):
        await reply.head()
        for one in ids[ids.index(reply.asked.cursor) + 1 :]:
            await reply.body(event(one, "completed" if one == ids[-1] else "processing"))
        await trio.sleep_forever()

    return handler


def test_the_mutants_are_those_that_scenarios_may_name():
    assert tuple(MUTANTS) == clients.MUTANTS
    assert all(one.name == name and one.stands_for for name, one in MUTANTS.items())


def test_a_name_that_is_none_is_refused_and_no_name_is_the_reference():
    assert mutant("") is REFERENCE_CLIENT
    with pytest.raises(UsageError, match=r"expected the name of a mutant, one of no-watchdog, .*, got 'no-dog'"):
        mutant("no-dog")


@pytest.mark.parametrize("name", [name for name in MUTANTS if name not in LATE])
def test_on_a_healthy_path_a_mutant_is_as_good_as_the_reference(name):
    reference, wrong = both(name, streams(says(event("a-0"), event("a-1", "completed"))))
    assert wrong.shown == reference.shown
    assert wrong.outcome.ended == "completed"
    assert (wrong.left_open, wrong.tasks_left) == (0, 0)


def test_no_watchdog_reads_a_dead_connection_for_ever():
    story = streams(says(event("a-0"), then="nothing"), completes)
    reference, wrong = both("no-watchdog", story, lasts=86_400)
    assert reference.outcome.ended == "completed"
    assert (wrong.outcome, wrong.hows) == (None, ["cancelled"])


def test_events_only_watchdog_leaves_a_quiet_stream_that_is_kept_alive():
    reference, wrong = both("events-only-watchdog", streams(rests(150, ": alive\n\n"), completes))
    assert (reference.hows, wrong.hows) == (["done"], ["watchdog", "done"])


def test_short_watchdog_leaves_a_stream_that_pauses_for_twelve_seconds():
    reference, wrong = both("short-watchdog", streams(rests(12), completes))
    assert (reference.hows, wrong.hows) == (["done"], ["watchdog", "done"])


def test_resets_backoff_on_connect_hammers_a_server_that_opens_and_dies():
    story = streams(says(": hello\n\n"))
    reference, wrong = both("resets-backoff-on-connect", story, NEVER_POLLS, lasts=60)
    assert len(reference.waits) < 10
    assert len(wrong.waits) > 50
    assert max(wrong.waits) <= 1.0


def test_forgets_last_id_asks_for_everything_again():
    story = streams(says(event("a-0")), completes)
    reference, wrong = both("forgets-last-id", story)
    assert (reference.stage.cursors(), wrong.stage.cursors()) == ([None, "a-0"], [None, None])


def test_forgets_id_after_empty_loses_its_position_with_a_connection_that_brought_nothing():
    story = streams(says(event("a-0")), says(": hello\n\n"), answers(503), completes)
    reference, wrong = both("forgets-id-after-empty", story, NEVER_POLLS)
    assert reference.stage.cursors() == [None, "a-0", "a-0", "a-0"]
    assert wrong.stage.cursors() == [None, "a-0", None, None]


@pytest.mark.parametrize("cut", ["id: a-1\n", "id: a-1\nevent: processing\nda", event("a-1")[:-1]])
def test_commits_id_early_skips_the_event_that_was_cut(cut):
    story = streams(says(event("a-0"), cut), replays("a-0", "a-1", "a-2"))
    reference, wrong = both("commits-id-early", story)
    assert reference.ids == ["a-0", "a-1", "a-2"]
    assert wrong.ids == ["a-0", "a-2"]


def test_commits_id_early_commits_nothing_of_a_line_that_was_cut():
    story = streams(says(event("a-0"), "id: a-1"), replays("a-0", "a-1", "a-2"))
    assert both("commits-id-early", story)[1].ids == ["a-0", "a-1", "a-2"]


def test_dedupes_by_last_id_drops_an_event_without_one():
    blocks = [event("a-0"), 'event: processing\ndata: {"x": 1}\n\n', event("a-1", "completed")]
    reference, wrong = both("dedupes-by-last-id", streams(says(*blocks)))
    assert (reference.ids, wrong.ids) == (["a-0", "a-0", "a-1"], ["a-0", "a-1"])


def test_dedupes_across_epochs_mutes_a_server_that_starts_over():
    old = says(*(event(f"a-{n}") for n in range(6)))
    new = says(*(event(f"b-{n}") for n in range(9)), event("b-9", "completed"))
    reference, wrong = both("dedupes-across-epochs", streams(old, new))
    assert [one for one in reference.ids if one.startswith("b")] == [f"b-{n}" for n in range(10)]
    assert [one for one in wrong.ids if one.startswith("b")] == [f"b-{n}" for n in range(6, 10)]
    assert (reference.outcome.counts.gaps, wrong.outcome.counts.gaps) == (1, 0)


def test_no_jitter_waits_the_delay_itself_each_time():
    reference, wrong = both("no-jitter", lambda: Stage(doors=lambda _at: "refuse"), lasts=100)
    assert wrong.waits == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert not set(reference.waits[1:]) & set(wrong.waits)


def test_waits_out_dial_hangs_on_a_path_that_is_gone_while_there_is_another():
    reference, wrong = both("waits-out-dial", lambda: Stage(doors=opens_at(5)), beside=at(5, "joins"), lasts=3600)
    assert reference.stage.dials == [0.0, 5.0, 5.0]
    assert (wrong.stage.dials, wrong.outcome) == ([0.0], None)


def test_keeps_two_streams_after_a_new_way_and_shows_what_they_bring_once():
    reference, wrong = both("keeps-two-streams", streams(rests(30, ": alive\n\n")), beside=at(5, "prefers"))
    assert (reference.stage.times("stream"), wrong.stage.times("stream")) == ([0.0], [0.0, 5.0])
    assert wrong.shown == reference.shown
    assert sorted(wrong.hows) == ["cancelled", "done"]
    assert (wrong.left_open, wrong.tasks_left) == (0, 0)


def test_keeps_two_streams_after_a_reconnection():
    reference, wrong = both("keeps-two-streams", streams(says(event("a-0")), rests(30, ": alive\n\n")))
    assert (len(reference.stage.times("stream")), len(wrong.stage.times("stream"))) == (2, 3)
    assert wrong.ids == reference.ids
    assert (wrong.outcome.ended, wrong.left_open, wrong.tasks_left) == ("completed", 0, 0)


def test_parses_any_200_is_connected_to_a_portal():
    async def portal(reply):
        await reply.full(200, b"<html>\n\n" + event("a-7").encode(), content_type="text/html")

    reference, wrong = both("parses-any-200", streams(portal, completes))
    assert reference.words == ["connecting", "reconnecting", "connected", "closed"]
    assert wrong.words == ["connecting", "connected", "reconnecting", "connected", "closed"]
    assert (reference.ids, wrong.ids) == (["a-9"], ["a-7", "a-9"])


def test_never_falls_back_leaves_the_app_without_news_behind_a_firewall():
    reference, wrong = both("never-falls-back", streams(answers(403)), lasts=600)
    assert len(reference.stage.times("poll")) > 100
    assert wrong.stage.times("poll") == []


def test_never_returns_to_a_stream_that_works_again():
    async def firewall(reply):
        await (reply.full(403) if reply.asked.at < 30 else completes(reply))

    reference, wrong = both("never-returns", streams(firewall), beside=at(40, "joins"), lasts=1200)
    assert reference.outcome.ended == "completed"
    assert wrong.outcome is None
    assert max(wrong.stage.times("stream")) < 30
    assert len(wrong.stage.times("poll")) > 300


def test_trusts_silent_200_waits_for_ever_on_a_stream_that_is_held_back():
    reference, wrong = both("trusts-silent-200", streams(silence), lasts=600)
    assert min(reference.stage.times("poll")) <= 20.0
    assert (wrong.stage.times("stream"), wrong.stage.times("poll")) == ([0.0], [])


def test_freezes_first_id_resumes_after_the_same_event_each_time():
    story = streams(says(event("a-0")), says(event("a-1")), says(event("a-2")), completes)
    reference, wrong = both("freezes-first-id", story)
    assert reference.stage.cursors() == [None, "a-0", "a-1", "a-2"]
    assert wrong.stage.cursors() == [None, "a-0", "a-0", "a-0"]


def test_replays_history_shows_again_what_it_asks_for_again():
    story = streams(says(event("a-0"), event("a-1")), says(event("a-0"), event("a-1"), event("a-2", "completed")))
    reference, wrong = both("replays-history", story)
    assert reference.ids == ["a-0", "a-1", "a-2"]
    assert wrong.ids == ["a-0", "a-1", "a-0", "a-1", "a-2"]
    assert wrong.stage.cursors() == [None, None]


def test_ignores_retry_waits_as_before():
    reference, wrong = both("ignores-retry", streams(says("retry: 9000\n\n", event("a-0")), completes))
    assert 9.0 <= reference.waits[1] <= 13.5
    assert 1.0 <= wrong.waits[1] <= 1.5


def test_ignores_retry_after_waits_as_for_any_failure():
    reference, wrong = both("ignores-retry-after", streams(answers(503, retry_after="9"), completes))
    assert 9.0 <= reference.waits[1] <= 10.0
    assert wrong.waits[1] <= 1.0


def test_reads_only_seconds_waits_as_for_any_failure_where_a_date_says_when():
    date = {"date": "Thu, 24 Dec 2026 12:05:06 GMT", "retry_after": "Thu, 24 Dec 2026 12:05:15 GMT"}
    reference, wrong = both("reads-only-seconds", streams(answers(503, **date), completes))
    assert 9.0 <= reference.waits[1] <= 10.0
    assert wrong.waits[1] <= 1.0
    reference, wrong = both("reads-only-seconds", streams(answers(503, retry_after="9"), completes))
    assert min(reference.waits[1], wrong.waits[1]) >= 9.0


def test_never_backs_off_waits_no_longer_than_the_first_time():
    reference, wrong = both("never-backs-off", lambda: Stage(doors=lambda _at: "refuse"), lasts=100)
    assert max(reference.waits) > 15.0
    assert max(wrong.waits) <= 1.0


@pytest.mark.parametrize("status", [204, 404])
def test_never_stops_asks_again_whatever_the_status(status):
    reference, wrong = both("never-stops", streams(answers(status)), NEVER_POLLS, lasts=600)
    assert len(reference.stage.times("stream")) == 1
    assert len(wrong.stage.times("stream")) > 20


def test_loops_on_401_renews_a_token_that_was_new():
    reference, wrong = both("loops-on-401", streams(*[answers(401)] * 40, completes), NEVER_POLLS)
    assert (len(reference.stage.times("stream")), reference.outcome.ended) == (2, "error")
    assert len(wrong.stage.times("token")) == 40
    assert wrong.outcome.ended == "completed"


def test_stops_at_5xx_takes_a_passing_trouble_for_the_end():
    reference, wrong = both("stops-at-5xx", streams(answers(503), completes))
    assert (reference.outcome.ended, wrong.outcome.ended) == ("completed", "error")


def test_gives_up_after_three_attempts():
    reference, wrong = both("gives-up", lambda: Stage(doors=lambda at: "open" if at > 30 else "refuse"))
    assert reference.outcome.ended == "completed"
    assert (wrong.outcome.ended, wrong.hows) == ("error", ["refused"] * 3)


def test_deaf_to_signals_waits_out_its_backoff_though_there_is_a_network_again():
    story = lambda: Stage(doors=lambda at: "open" if at >= 20 else "refuse")  # noqa: E731
    reference, wrong = both("deaf-to-signals", story, beside=at(20, "joins"))
    assert reference.stage.dials[-2] == 20.0
    assert (reference.causes[-1], wrong.causes[-1]) == ("signal", "failed")
