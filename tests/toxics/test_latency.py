from harness.chance import Dice
from harness.toxics import StreamChunk, toxic_of
from harness.toxics.toxic import StageContext
from tests.toxics.drive import chain_of, drive, paced, spec, times


def test_chunks_are_pipelined():
    out = drive(chain_of(spec("latency", latency=300)), paced(5, 0.05))
    assert times(out) == [0.3, 0.35, 0.4, 0.45, 0.5]


def test_two_latencies_add_up():
    chain = chain_of(spec("latency", latency=100, name="a"), spec("latency", latency=100, name="b"))
    assert times(drive(chain, paced(3, 0.05))) == [0.2, 0.25, 0.3]


def test_after_a_bandwidth_the_delay_counts_from_the_read():
    """Toxiproxy: only latency moves a chunk's time stamp."""
    chain = chain_of(spec("bandwidth", rate=1), spec("latency", latency=100))
    assert times(drive(chain, [(0.0, b"x" * 80), (1.0, b"x" * 100), (2.0, b"x" * 10)])) == [0.1, 1.1, 2.1]


def test_jitter_never_reorders():
    chain = chain_of(spec("latency", latency=100, jitter=100))
    out = drive(chain, paced(200, 0.001))
    assert [piece[0] for _, piece in out] == list(range(200))


def test_jitter_is_a_whole_number_of_milliseconds_from_minus_jitter_to_jitter_minus_one():
    toxic, dice = toxic_of("latency", {"latency": 10, "jitter": 3}), Dice(1)
    drawn = {
        round(next(iter(toxic.take(StreamChunk(b"x", 0.0), StageContext(0.0, dice)))).wait * 1000, 6)
        for _ in range(500)
    }
    assert drawn == {7.0, 8.0, 9.0, 10.0, 11.0, 12.0}


def test_a_negative_delay_is_none():
    assert times(drive(chain_of(spec("latency", latency=-50)), paced(2, 0.1))) == [0.0, 0.1]


def test_1024_chunks_queue_before_the_reader_has_to_wait():
    chain = chain_of(spec("latency", latency=60_000))
    pushed = 0
    while chain.room:
        chain.push(0.0, b"x")
        pushed += 1
    assert pushed == 1024 + 1 + 2 + 1  # queued, held, read ahead of it (the hidden noop's queue), held by the noop


def test_a_full_queue_opens_again_when_a_chunk_leaves():
    chain = chain_of(spec("latency", latency=1000))
    while chain.room:
        chain.push(0.0, b"x")
    assert len(chain.pop(1.0)) > 1024
    assert chain.room
