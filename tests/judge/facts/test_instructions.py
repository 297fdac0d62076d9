import math

from harness.history import Body, Chunk, ConnEnd, Delivered, Job, Read, Snapshot, StreamBegan
from harness.judge.case import Case, ClientCase
from harness.judge.facts.instructions import deferrals, told_gaps
from harness.judge.facts.snapshots import delivered_states
from harness.sse.policy import Ids, Policies
from tests.judge.story import Story, ns, plan


def client(story: Story) -> ClientCase:
    story.end(10.0)
    return Case(story.plan, story.history()).clients[0]


def streaming(policies: Policies | None = None) -> Story:
    story = Story(plan(policies=policies))
    story.emit_all()
    story.dial(0.01)
    story.show(0, 0.05)
    return story


def arrive(story: Story, at: float, **block: object) -> None:
    """A block of the stream reaches the client."""
    cid = story.live["c1"]
    story.add(Chunk(cid=cid, direction="downstream", offset=200, length=50, fate="delivered"), at - 0.0001)
    story.add(Delivered(rid=story.asked["c1"], cid=cid, **block), at)  # type: ignore[arg-type]


def answered(story: Story, at: float, index: int, *, epoch: str = "a", whole: bool = True) -> None:
    """A status answer reaches the client, which lives on for a second."""
    story.request("poll", at)
    rid, cid = story.rids, story.cids
    snapshot = Snapshot(job="j1", epoch=epoch, state_index=index, status="processing", rid=rid, digest="x")
    story.add(snapshot, at + 0.004)
    story.add(Body(rid=rid, cid=cid, length=9, digest="x", whole=whole), at + 0.01)


def test_nothing_is_asked_by_an_empty_history():
    found = Case(plan(), Story(plan()).history()).clients[0]
    assert (deferrals(found), told_gaps(found), delivered_states(found)) == ([], [], [])


def test_an_answer_with_retry_after_puts_off_as_far_as_declared():
    story = streaming(Policies(retry_stream=10.0, backoff_cap=8.0))
    story.request("poll", 1.0, status=503, retry_after="30")
    (one,) = deferrals(client(story))
    assert (one.asked, one.seconds, one.until_ns) == (30.0, 10.0, one.answer.t_ns + 10 * 10**9)


def test_a_date_is_counted_from_the_answer_s_own_date():
    story = streaming()
    dates = {"retry_after": "Wed, 21 Oct 2026 07:28:08 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    story.request("poll", 1.0, status=503, **dates)
    assert [one.asked for one in deferrals(client(story))] == [8.0]


def test_neither_a_401_nor_a_redirect_nor_an_open_stream_puts_off():
    story = streaming()
    story.request("poll", 1.0, status=401, retry_after="5")
    story.request("poll", 2.0, status=307, retry_after="5", location="/elsewhere")
    story.request("stream", 3.0, retry_after="5")
    story.request("poll", 4.0, status=503, retry_after="soon")
    assert deferrals(client(story)) == []


def test_a_client_that_declares_to_heed_none_is_put_off_by_none():
    story = streaming(Policies(obeys_retry_after=False))
    story.request("poll", 1.0, status=503, retry_after="5")
    assert deferrals(client(story)) == []


def test_a_refused_cursor_and_a_reset_event_tell_of_a_gap():
    for status in (409, 410):
        story = streaming()
        story.request("stream", 3.0, status=status)
        (gap,) = told_gaps(client(story))
        assert (gap.how, gap.read_ns, gap.covered_ns) == (str(status), ns(4.006), math.inf)
    story = streaming()
    arrive(story, 3.0, type="reset")
    assert [gap.how for gap in told_gaps(client(story))] == ["reset"]


def new_epoch(policies: Policies | None = None) -> Story:
    story = streaming(policies)
    story.add(Job(job="j1", epoch="b", accepted_ns=ns(2.0), schedule_ns=[ns(2.0)]), 2.0)
    story.emit(0, 2.5, epoch="b")
    return story


def test_the_first_event_of_a_new_epoch_tells_of_a_gap():
    story = new_epoch()
    arrive(story, 3.0, id="b-0", type="initialized")
    arrive(story, 3.5, id="b-0", type="initialized")
    assert [(gap.how, gap.record.t_ns) for gap in told_gaps(client(story))] == [("epoch", ns(3.0))]


def test_an_epoch_that_a_status_answer_brought_before_tells_of_none():
    story = new_epoch()
    answered(story, 2.7, 0, epoch="b")
    arrive(story, 4.0, id="b-0", type="initialized")
    assert told_gaps(client(story)) == []


def test_an_epoch_that_an_answer_in_doubt_brought_before_begins_in_doubt():
    story = new_epoch()
    answered(story, 2.7, 0, epoch="b")
    story.add(ConnEnd(cid=story.cids, side="client", how="closed"), 2.75)
    arrive(story, 4.0, id="b-0", type="initialized")
    assert [gap.read_ns for gap in told_gaps(client(story))] == [None]


def test_ids_that_are_declared_opaque_tell_of_no_epoch():
    story = new_epoch(Policies(ids=Ids.OPAQUE))
    arrive(story, 3.0, id="b-0", type="initialized")
    assert told_gaps(client(story)) == []


def test_a_gap_in_a_stream_is_covered_by_a_whole_answer_that_was_asked_for_behind_it():
    story = streaming()
    arrive(story, 3.0, type="reset")
    answered(story, 4.0, 5, whole=False)
    answered(story, 5.0, 6)
    (gap,) = told_gaps(client(story))
    assert gap.covered_ns == ns(6.01)


def test_a_refused_cursor_is_covered_once_a_stream_has_opened_with_another():
    story = streaming()
    story.request("stream", 3.0, status=410)
    answered(story, 3.1, 6)
    assert told_gaps(client(story))[0].covered_ns == math.inf
    story.request("stream", 6.0)
    story.add(StreamBegan(rid=story.rids, cid=story.cids), 6.01)
    (gap,) = told_gaps(client(story))
    assert gap.covered_ns == ns(6.01)


def test_a_delivered_state_has_the_id_of_the_event_that_it_stands_for():
    story = streaming()
    answered(story, 2.0, 3)
    answered(story, 3.0, -1)
    answered(story, 4.0, 5, whole=False)
    found = delivered_states(client(story))
    assert [(state.position, state.id) for state in found] == [((0, 3), "a-3"), ((0, -1), "")]
    assert found[0].known_ns == ns(3.01)


def test_what_the_phone_never_read_is_in_doubt():
    story = streaming()
    arrive(story, 3.0, type="reset")
    story.add(Read(cid=story.live["c1"], upto=200), 3.1)
    assert [gap.read_ns for gap in told_gaps(client(story))] == [None]
