import math

from harness.history import Answered, Body, Chunk, ConnEnd, Dial, Response, Snapshot, StreamBegan, Subscriber
from harness.judge.case import Case, ClientCase
from harness.judge.facts.requests import (
    ANSWERED,
    CLIENT,
    NETWORK,
    NOBODY,
    SERVER,
    RequestLife,
    dial_lives,
    lives_of,
    request_lives,
)
from tests.judge.story import Story, ns, plan


def client(story: Story) -> ClientCase:
    story.end(10.0)
    return Case(story.plan, story.history()).clients[0]


def asked(what: str = "stream", *, status: int = 200) -> Story:
    story = Story(plan())
    story.request(what, 1.0, status=status)
    return story


def life(story: Story) -> RequestLife:
    return request_lives(client(story))[1]


def test_a_client_without_requests_has_no_lives():
    found = client(Story(plan()))
    assert (request_lives(found), dial_lives(found)) == ({}, [])


def test_a_request_is_found_with_its_dial_its_connection_and_its_answer():
    found = life(asked())
    assert found.dial is not None
    assert found.conn is not None
    assert found.answer is not None
    assert (found.conn.cid, found.answer.rid, found.streams) == (1, 1, True)
    assert found.dial.from_ns == found.dialled_ns


def test_without_a_record_of_its_dial_a_request_was_dialled_when_its_connection_was_accepted():
    story = asked()
    story.records = [one for one in story.records if not isinstance(one, Dial)]
    found = life(story)
    assert found.conn is not None
    assert found.dialled_ns == found.conn.t_ns


def test_the_server_s_own_record_of_each_answer_is_found_by_the_number_of_the_request():
    for served in (
        Answered(rid=1, status=200),
        Snapshot(job="j1", epoch="a", state_index=0, status="processing", rid=1),
        Subscriber(sub=1, job="j1", what="open", rid=1),
    ):
        story = asked()
        story.add(served, 1.001)
        assert life(story).served is served


def test_a_whole_body_ends_a_request_and_a_part_of_one_does_not():
    for whole in (True, False):
        story = asked("poll")
        story.add(Body(rid=1, cid=1, length=10, digest="x", whole=whole), 1.01)
        found = life(story)
        assert (found.whole, found.by == ANSWERED) == (whole, whole)


def test_a_server_that_had_gone_before_the_request_passed_ended_it():
    story = Story(plan())
    story.request("stream", 1.0, status=200)
    story.records = [one for one in story.records if not isinstance(one, (Response, StreamBegan))]
    story.add(ConnEnd(cid=1, side="server", how="fin"), 0.9998)
    story.add(ConnEnd(cid=1, side="client", how="fin", left_ns=ns(1.0002)), 1.01)
    found = life(story)
    assert (found.by, found.end_ns) == (SERVER, found.request.t_ns)


def test_each_end_is_told_apart_by_who_made_it():
    ends = {
        CLIENT: ConnEnd(cid=1, side="client", how="fin"),
        SERVER: ConnEnd(cid=1, side="server", how="rst"),
        NETWORK: ConnEnd(cid=1, side="client", how="closed"),
    }
    for by, end in ends.items():
        story = asked()
        story.add(end, 3.0)
        found = life(story)
        assert (found.by, found.end_ns) == (by, ns(3.0))


def test_an_end_that_the_client_is_not_told_of_ends_nothing():
    story = asked()
    story.add(ConnEnd(cid=1, side="server", how="fin", swallowed=True), 3.0)
    story.add(ConnEnd(cid=1, side="client", how="fin"), 5.0)
    assert life(story).by == CLIENT


def test_a_connection_is_severed_where_its_server_s_side_ends_or_bytes_to_the_client_are_lost():
    lost = Chunk(cid=1, direction="downstream", offset=0, length=5, fate="dropped")
    for severed in (ConnEnd(cid=1, side="server", how="fin", swallowed=True), lost):
        story = asked()
        story.add(severed, 3.0)
        story.add(ConnEnd(cid=1, side="server", how="closed"), 4.0)
        story.add(ConnEnd(cid=1, side="client", how="fin"), 5.0)
        found = life(story)
        assert (found.severed_ns, found.carries_until_ns, found.end_ns) == (ns(3.0), ns(3.0), ns(5.0))


def test_bytes_that_are_held_or_lost_on_the_way_to_the_server_sever_nothing():
    story = asked()
    for way, fate in (("downstream", "held"), ("downstream", "delivered"), ("upstream", "dropped")):
        story.add(Chunk(cid=1, direction=way, offset=0, length=5, fate=fate), 3.0)
    found = request_lives(Case(story.plan, story.history()).clients[0])[1]
    assert (found.severed_ns, found.carries_until_ns) == (None, math.inf)


def test_of_ends_at_one_stamp_the_server_s_is_the_cause():
    story = asked()
    story.add(ConnEnd(cid=1, side="server", how="fin"), 3.0)
    story.add(ConnEnd(cid=1, side="client", how="fin", left_ns=ns(3.0)), 3.01)
    assert (life(story).by, life(story).end_ns) == (SERVER, ns(3.0))


def test_a_client_leaves_when_its_socket_does_and_not_when_the_gate_learns_of_it():
    story = asked()
    story.add(ConnEnd(cid=1, side="client", how="fin", left_ns=ns(3.0)), 3.5)
    assert life(story).end_ns == ns(3.0)


def test_the_next_request_on_a_connection_ends_the_one_before():
    story = asked("poll")
    story.request("poll", 2.0, cid=1)
    found = life(story)
    assert (found.by, found.end_ns) == (ANSWERED, ns(2.0))


def test_a_request_that_nothing_ends_has_no_end():
    story = asked()
    found = request_lives(Case(story.plan, story.history()).clients[0])[1]
    assert (found.end_ns, found.by) == (None, NOBODY)


def test_lives_are_found_by_what_was_asked():
    story = asked()
    story.request("poll", 2.0)
    assert [one.request.rid for one in lives_of(client(story), "poll")] == [2]


def test_a_dial_that_was_never_let_in_has_no_purpose():
    story = asked()
    story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(2.0), to_ns=ns(3.0), fate="refused"), 3.0)
    assert [one.what for one in dial_lives(client(story))] == ["stream", ""]


def test_a_port_that_is_given_again_belongs_to_the_newest_dial():
    story = asked()
    cid = story.conn(4.0)
    for one in story.records:
        if isinstance(one, Dial):
            one.port = 40_001
    story.records[-2].peer = "10.0.0.1:40001"
    story.request("poll", 4.1, cid=cid)
    assert [one.what for one in dial_lives(client(story))] == ["stream", "poll"]
