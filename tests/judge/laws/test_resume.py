import pytest

from harness.history import Adopted, App, Block, Chunk, ConnEnd, Delivered, Read, Request, Response
from harness.judge.verdict import LawState
from tests.judge.ruling import empty, law, state
from tests.judge.scenes import half_open, handoff
from tests.judge.story import Story, ns, plan


def test_the_last_dispatched_id_holds():
    assert state("resume", handoff()) is LawState.HELD


def test_no_header_on_a_reconnection_fails():
    found = law("resume", handoff(last=""))
    assert found.sentence == "the reconnection at 5.0 s sent no Last-Event-ID, the last one dispatched was a-7"
    assert [item.text for item in found.evidence] == [
        "last id dispatched: a-7",
        "stream request with no Last-Event-ID, a-7 was due",
    ]


def test_an_id_ahead_of_the_last_block_fails():
    assert "sent Last-Event-ID a-8, the last one dispatched was a-7" in law("resume", handoff(last="a-8")).sentence


def test_a_stale_id_fails():
    assert state("resume", handoff(last="a-0")) is LawState.FAILED


def test_an_id_on_the_first_request_fails():
    story = Story(plan())
    story.emit_all()
    story.dial(0.01, last="a-3")
    story.end(41.0)
    assert "though no event had been dispatched" in law("resume", story).sentence


def test_an_id_forgotten_after_an_attempt_without_events_fails():
    story = handoff(back=8.0)
    story.hang_up(6.0, "error")
    story.dial(6.7, cause="failed", path="cellular", last="")
    assert "the reconnection at 6.7 s sent no Last-Event-ID" in law("resume", story).sentence


def block(story: Story, at: float, event_id: str) -> None:
    """The stream under way brings a block that is no event."""
    streams = [one for one in story.records if isinstance(one, Request) and one.what == "stream"]
    rid, cid = streams[0].rid, streams[0].cid
    story.add(Delivered(rid=rid, cid=cid, id=event_id, event=False), at)


def test_an_id_only_block_counts():
    story = handoff(last="x-1")
    block(story, 3.9, "x-1")
    assert state("resume", story) is LawState.HELD


@pytest.mark.parametrize(
    ("sent", "expected"), [("a-6", LawState.HELD), ("", LawState.FAILED), ("a-5", LawState.FAILED)]
)
def test_an_event_without_an_id_leaves_the_last_one_what_it_was(sent, expected):
    assert state("resume", handoff(last=sent).without_id(7)) is expected


@pytest.mark.parametrize(("answers", "expected"), [(True, LawState.HELD), (False, LawState.FAILED)])
def test_the_id_of_an_event_that_has_none_comes_by_a_status_answer_alone(answers, expected):
    story = handoff().without_id(9)
    next(one for one in story.records if isinstance(one, Request) and one.last_event_id).last_event_id = "a-9"
    if answers:
        answered(story, 4.9, 9)
    assert state("resume", story) is expected


def test_an_empty_id_means_no_header():
    story = handoff(last="")
    block(story, 3.9, "")
    assert state("resume", story) is LawState.HELD


def answered(story: Story, at: float, index: int, *, read: bool = True) -> None:
    """A status answer of this index is delivered whole, and read or not."""
    story.request("poll", at)
    story.answered(index, at + 0.007)
    if not read:
        story.add(ConnEnd(cid=story.cids, side="client", how="closed"), at + 0.008)


def test_a_status_answer_s_cursor_may_be_taken_and_need_not():
    for sent, expected in (("a-9", LawState.HELD), ("a-7", LawState.HELD), ("a-8", LawState.FAILED)):
        story = handoff(last=sent)
        answered(story, 4.9, 9)
        assert state("resume", story) is expected, sent


def refused(*, sent: str, at: float = 4.5, read: bool = True) -> Story:
    """The first reconnection, at 4.45 s, is refused; the second is at 6.5 s."""
    story = handoff(last="a-7", back=8.0)
    story.records = [one for one in story.records if not isinstance(one, Delivered) or one.t_ns < ns(4.4)]
    story.request("stream", 4.45, last="a-7", status=410)
    answered(story, at, 9, read=read)
    story.records = [one for one in story.records if not isinstance(one, Request) or one.t_ns != ns(5.003)]
    story.request("stream", 6.5, last=sent or None)
    return story


def test_after_a_refused_cursor_it_is_the_snapshot_s_or_none():
    for sent, expected in (("a-9", LawState.HELD), ("", LawState.HELD), ("a-7", LawState.FAILED)):
        assert state("resume", refused(sent=sent)) is expected, sent


def test_who_keeps_the_refused_cursor_is_told_so():
    assert law("resume", refused(sent="a-7")).sentence == (
        "the reconnection at 6.5 s sent Last-Event-ID a-7, though the server refused its cursor at 4.5 s (410) and a "
        "status answer had given a-9"
    )


def test_a_snapshot_in_doubt_leaves_the_refused_cursor_allowed():
    assert state("resume", refused(sent="a-7", read=False)) is LawState.HELD


def test_no_cursor_at_all_is_allowed_after_a_refusal_without_a_snapshot():
    story = handoff(last="")
    story.request("stream", 4.45, last="a-7", status=410)
    assert state("resume", story) is LawState.HELD


def test_a_client_that_has_not_shown_yet_what_it_read_may_send_either_id():
    for sent in ("a-6", "a-7"):
        story = handoff(last=sent)
        story.records = [one for one in story.records if not isinstance(one, App) or one.id != "a-7"]
        assert state("resume", story) is LawState.HELD, sent


def test_a_redirect_is_followed_with_the_same_header():
    story = handoff(last="a-7")
    redirected = next(one for one in story.records if isinstance(one, Response) and one.t_ns > ns(4.5))
    redirected.status, redirected.location, redirected.content_type = 307, "/elsewhere", ""
    block(story, 5.02, "x-9")
    story.request("stream", 5.05, last="a-7")
    assert state("resume", story) is LawState.HELD


def test_a_stream_has_to_be_asked_for_as_one():
    story = handoff()
    next(one for one in story.records if isinstance(one, Request) and one.what == "stream").accepts_events = False
    assert law("resume", story).sentence == ("the client asked for a stream at 0.0 s without Accept: text/event-stream")


def test_what_a_client_says_of_its_blocks_excuses_nothing():
    story = handoff(last="a-9")
    story.add(Block(client="c1", attempt=1, id="a-9"), 3.99)
    story.add(Adopted(client="c1", id="a-9"), 3.99)
    assert state("resume", story) is LawState.FAILED


def test_a_baseline_exercises_no_resumption():
    found = law("resume", Story(plan()).run())
    assert (found.state, found.reason) == (LawState.NOT_JUDGED, "a baseline exercises no resumption")


def test_a_client_that_never_reconnects_is_another_law_s_concern():
    assert state("resume", half_open()) is LawState.NOT_JUDGED


def test_an_empty_history_is_unknown():
    assert empty("resume", plan()) is LawState.UNKNOWN


def test_an_id_that_came_without_an_event_is_committed_once_it_was_read():
    for read_at, expected in ((3.91, LawState.FAILED), (4.95, LawState.HELD), (None, LawState.HELD)):
        story = handoff(last="a-7")
        cid = next(one.cid for one in story.records if isinstance(one, Request) and one.what == "stream")
        story.add(Chunk(cid=cid, direction="downstream", offset=100_000, length=9, fate="delivered"), 3.89)
        block(story, 3.9, "x-1")
        if read_at is not None:
            story.add(Read(cid=cid, upto=100_009), read_at)
        assert state("resume", story) is expected, read_at
