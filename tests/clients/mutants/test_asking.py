"""Clients that ask for too much, and clients that tell what is not so, beside the reference."""

from harness.clients.mutants.telling import KEPT
from tests.clients.beside import both, streams
from tests.clients.mutants.test_ending import trickles
from tests.clients.stage import answers, completes, event, says


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
