from harness.deeds import acts
from harness.history import Body, Chunk, ConnEnd, Delivered, Read, Response
from harness.judge.case import Case, ClientCase
from harness.judge.facts.reading import ReadMarks
from tests.judge.story import Story, plan


def client(story: Story) -> ClientCase:
    return Case(story.plan, story.history()).clients[0]


def told(*marks: tuple[float, int], gone: float = 0.0) -> Story:
    """A stream whose first event lies in bytes 100 to 300 of its connection; ``marks`` are (when, upto)."""
    story = Story(plan())
    story.emit_all()
    cid = story.dial(0.01)
    story.add(Chunk(cid=cid, direction="downstream", offset=0, length=100, fate="delivered"), 0.02)
    story.add(Chunk(cid=cid, direction="downstream", offset=100, length=200, fate="delivered"), 0.05)
    story.add(Delivered(rid=1, cid=cid, id="a-0", type="initialized", digest="da0"), 0.051)
    for at, upto in marks:
        story.add(Read(cid=cid, upto=upto), at)
    if gone:
        story.close(gone, cid)
    story.end(10.0)
    return story


def read_at(story: Story) -> float | None:
    found = client(story)
    (event,) = found.delivered
    stamp = found.once(ReadMarks).read_ns(event)
    return None if stamp is None else round(found.case.at(stamp), 3)


def test_what_lies_before_a_mark_was_read_at_it():
    assert read_at(told((0.03, 100), (0.06, 300))) == 0.06


def test_what_lies_behind_the_last_mark_is_in_doubt():
    assert read_at(told((0.03, 100))) is None
    assert read_at(told((0.03, 100), (0.06, 299))) is None


def test_a_connection_without_a_mark_is_in_doubt_where_others_have_some():
    story = told()
    other = story.conn(0.2)
    story.add(Read(cid=other, upto=10), 0.3)
    assert read_at(story) is None


def test_a_process_has_read_what_came_a_second_before_its_connection_ended():
    assert read_at(told(gone=2.0)) == 1.051
    assert read_at(told(gone=1.0)) is None


def test_a_second_that_the_device_sleeps_through_proves_nothing():
    story = told(gone=1.5)
    story.plan = plan((0.2, "device", acts.Suspends(lasts=1.0), "suspends"))
    story.deeds()
    assert read_at(story) is None


def test_a_process_has_read_what_came_before_its_next_request_on_the_connection():
    story = told(gone=0.5)
    story.request("poll", 0.3, cid=1)
    assert read_at(story) == 0.3


def test_a_process_has_read_a_whole_answer_behind_which_it_said_fin():
    for whole, how, expected in ((True, "fin", True), (False, "fin", False), (True, "closed", False)):
        story = Story(plan())
        story.request("poll", 0.5)
        story.add(Body(rid=1, cid=1, length=9, digest="x", whole=whole), 0.51)
        story.add(ConnEnd(cid=1, side="client", how=how), 0.52)
        story.end(10.0)
        found = client(story)
        assert (found.once(ReadMarks).read_ns(found.responses[1]) is not None) is expected, (whole, how)


def test_an_answer_without_bytes_is_in_doubt():
    story = Story(plan())
    story.request("poll", 0.5)
    story.add(Read(cid=1, upto=10), 0.6)
    story.end(10.0)
    found = client(story)
    answer = found.responses[1]
    assert isinstance(answer, Response)
    assert found.once(ReadMarks).read_ns(answer) is None
