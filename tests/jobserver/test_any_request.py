"""Whatever a client sends, the job server answers it or hangs up, and goes on serving all others."""

import contextlib
import random

import pytest
import trio

from harness.scenario.model import JobSpec
from tests.toxiproxy.test_any_request import TABLE, scraps

QUICK = JobSpec(lasts=6.0, every=2.0, items=3)
PATHS = [b"/healthz", b"/healthz/stream", b"/api/v2/imports", b"/api/v2/imports/x/stream", b"/api/v2/imports/x/results"]


def survives(rig, *requests: bytes) -> None:
    async def main(rig):
        for sent in requests:
            stream = (await rig.client()).stream
            with trio.move_on_after(1), contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await stream.send_all(sent)
                while await stream.receive_some():
                    pass
            await stream.aclose()
        assert (await (await rig.client()).fetch("GET", "/healthz"))[0] == 200
        assert rig.server.counts.faults == 0

    rig.run(main, job=QUICK)


@pytest.mark.parametrize("case", TABLE)
def test_a_request_of_this_kind_harms_nobody(rig, case, caplog):
    sent, _ = TABLE[case]
    survives(rig, sent, *(sent.replace(b"/proxies", path) for path in PATHS))
    assert caplog.text == ""


@pytest.mark.parametrize("seed", range(5))
def test_requests_made_at_random_harm_nobody(rig, seed, caplog):
    rng = random.Random(seed)
    survives(rig, *(scraps(rng).replace(b"/proxies", rng.choice(PATHS)) for _ in range(200)))
    assert caplog.text == ""
