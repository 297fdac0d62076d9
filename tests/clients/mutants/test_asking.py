"""Clients that ask for too much, and clients that tell what is not so, beside the reference."""

from harness.clients.mutants.ending import IDLE
from harness.clients.mutants.misreporting import KEPT, LAST_TIMER
from tests.clients.beside import both, streams
from tests.clients.mutants.test_ending import trickles
from tests.clients.stage import Stage, answers, completes, event, says


def test_keeps_refused_cursor_sends_it_again_after_the_snapshot():
    handlers = says(event("a-0")), answers(410), completes
    reference, wrong = both("keeps-refused-cursor", streams(*handlers))
    assert wrong.stage.cursors() == [None, "a-0", "a-0"]
    assert reference.stage.cursors()[-1] != "a-0"


def test_polls_beside_stream_asks_each_second_of_it():
    reference, wrong = both("polls-beside-stream", streams(trickles(4)))
    assert (reference.stage.times("poll"), wrong.stage.times("poll")) == ([], [1.0, 2.0, 3.0, 4.0])


def test_starts_twice_starts_once_more_and_follows_the_first():
    reference, wrong = both("starts-twice", streams(completes))
    assert len(wrong.stage.times("start")) == len(reference.stage.times("start")) + 1
    assert wrong.outcome.ended == "completed"


def test_denies_comments_says_connected_at_the_first_event_only():
    handlers = says(event("a-0")), says(": hello\n\n"), completes
    reference, wrong = both("denies-comments", streams(*handlers))
    assert reference.words.count("connected") == 3
    assert wrong.words.count("connected") == 2


def test_invents_gaps_tells_of_one_at_each_reconnection():
    handlers = says(event("a-0")), completes
    reference, wrong = both("invents-gaps", streams(*handlers))
    assert [callback for _at, callback, *_ in reference.shown].count("gap") == 0
    assert [callback for _at, callback, *_ in wrong.shown].count("gap") == 1


def test_hides_gaps_tells_of_none():
    handlers = says(event("a-0")), answers(410), completes
    reference, wrong = both("hides-gaps", streams(*handlers))
    assert [callback for _at, callback, *_ in reference.shown].count("gap") == 1
    assert [callback for _at, callback, *_ in wrong.shown].count("gap") == 0


def test_cuts_results_hands_over_their_beginning():
    reference, wrong = both("cuts-results", streams(completes))
    assert wrong.outcome.results.body == reference.outcome.results.body[:KEPT]


def test_fetches_results_thrice_fetches_them_thrice():
    reference, wrong = both("fetches-results-thrice", streams(completes))
    assert (len(reference.stage.times("results")), len(wrong.stage.times("results"))) == (1, 3)


def test_leaves_sockets_holds_one_more_at_each_poll_and_closes_them_at_the_exit():
    reference, wrong = both("leaves-sockets", streams(answers(403)), lasts=30)
    assert len(wrong.stage.pipes) > len(reference.stage.pipes)
    assert (wrong.left_open, wrong.tasks_left) == (0, 0)


def polled(status):
    """A stage that refuses streams, and whose status is this."""
    answer = {"status": status, "progress": 0.5, "lastEventId": "a-5"}
    return lambda: Stage(streams=[answers(403)], status=lambda reply: reply.json(answer))


def test_hides_snapshots_shows_nothing_of_them():
    reference, wrong = both("hides-snapshots", polled("processing"), lasts=30)
    assert (reference.ids, wrong.ids) == (["a-5"], [])


def test_ignores_polled_end_asks_on():
    reference, wrong = both("ignores-polled-end", polled("completed"), lasts=30)
    assert (reference.ids, wrong.ids) == (["a-5"], [])
    assert len(reference.stage.times("poll")) == 1 < len(wrong.stage.times("poll"))


def said(word, *played):
    """When each client said a word."""
    return [[at for at, _kind, one in client.watcher.of("status") if one == word] for client in played]


def test_clings_to_connected_says_reconnecting_when_it_dials():
    handlers = says(event("a-0"), then="rst"), completes
    reference, wrong = both("clings-to-connected", streams(*handlers))
    at_once, late = said("reconnecting", reference, wrong)
    assert at_once[0] == 0.0
    assert late == [wrong.stage.times("stream")[1]]


def test_closes_late_says_so_when_its_last_timer_is_over():
    reference, wrong = both("closes-late", streams(completes), lasts=60)
    assert said("closed", reference, wrong) == [[0.0], [LAST_TIMER]]


def test_fetches_results_late_waits_and_fetches_results_early_does_not():
    _, late = both("fetches-results-late", streams(completes), lasts=60)
    assert late.stage.times("results") == [IDLE]
    far = says(event("a-0", progress=0.95), then="nothing")
    _, early = both("fetches-results-early", streams(far), lasts=5)
    assert early.stage.times("results") == [0.0]
