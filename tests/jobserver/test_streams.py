from harness.history.records import Emit
from harness.scenario.model import JobSpec

QUICK = JobSpec(lasts=6.0, every=2.0, items=3)


def test_events_come_on_the_schedule_to_the_nanosecond(rig):
    async def main(rig):
        client = await rig.follow(await rig.job())
        assert (await client.body()).count(b"event: ") == 4

    emits = rig.run(main, job=QUICK).all(Emit)
    assert [emit.actual_ns - 1 for emit in emits] == [0, 2_000_000_000, 4_000_000_000, 6_000_000_000]
    assert all(emit.actual_ns == emit.intended_ns for emit in emits)
