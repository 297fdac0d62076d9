import json

import pytest
import trio

from harness.history.records import Job, Snapshot, Subscriber
from harness.jobserver import PeerLimits
from harness.jobserver.endpoints import accepts_stream
from harness.scenario.model import JobSpec, ServerSpec

QUICK = JobSpec(lasts=6.0, every=2.0, items=3)


def asked(rig, method, target, *, after=0.0, job=QUICK, server=None, headers=(), body=b"", limits=None):
    """Ask once, so long after a job was started (whose path stands for ``JOB``); return status, headers and body."""
    seen = {}

    async def main(rig):
        path = await rig.job() if server is None or server.token_lasts is None else ""
        await trio.sleep(after)
        client = await rig.client()
        answer = await client.ask(method, target.replace("JOB", path), headers, body)
        seen["headers"] = {name.decode(): value.decode() for name, value in answer.headers}
        seen["status"], seen["body"] = answer.status_code, await client.body()

    seen["history"] = rig.run(main, job=job, server=server, limits=limits)
    return seen


def code(seen) -> tuple[int, str]:
    return seen["status"], json.loads(seen["body"])["error"]["code"]


def test_start_accepts_a_job_and_says_where_it_is(rig):
    seen = asked(rig, "POST", "/api/v2/imports")
    job = json.loads(seen["body"])["jobId"]
    assert (seen["status"], seen["headers"]["location"]) == (202, f"/api/v2/imports/{job}")
    assert seen["history"].all(Job)[1].job == job


def test_kind_may_be_chosen_at_the_start(rig):
    async def main(rig):
        client = await rig.client()
        answer = await client.ask("POST", "/api/v2/imports", body=b'{"kind":"photo-scan","album":7}')
        await client.body()
        _, status = await client.fetch("GET", dict(answer.headers)[b"location"].decode())
        assert json.loads(status)["message"] == "0 of 3 photos scanned"

    rig.run(main, job=QUICK)


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"{", "bad_body"), (b"[]", "bad_body"), (b'{"kind":7}', "bad_body"), (b'{"kind":"x"}', "bad_kind")],
)
def test_wrong_body_is_refused_by_name(rig, body, expected):
    assert code(asked(rig, "POST", "/api/v2/imports", body=body)) == (400, expected)


def test_status_is_the_newest_event_and_its_id(rig):
    seen = asked(rig, "GET", "JOB", after=3.0)
    status = json.loads(seen["body"])
    assert (status["status"], status["processedCount"], status["lastEventId"]) == ("processing", 1, "a-1")
    assert seen["headers"]["cache-control"] == "no-store"
    (snapshot,) = seen["history"].all(Snapshot)
    assert (snapshot.epoch, snapshot.state_index, snapshot.status) == ("a", 1, "processing")


def test_status_of_a_failed_job_has_its_error(rig):
    seen = asked(rig, "GET", "JOB", after=7.0, job=JobSpec(lasts=6.0, ends="failed", code="E7"))
    assert json.loads(seen["body"])["error"]["code"] == "E7"


def test_results_come_whole_once_the_job_is_completed(rig):
    seen = asked(rig, "GET", "JOB/results", after=7.0, job=JobSpec(lasts=6.0, results=100_000))
    assert (seen["status"], seen["headers"]["content-length"], len(seen["body"])) == (200, "100000", 100_000)


@pytest.mark.parametrize(
    ("ends", "after", "expected"),
    [
        ("completed", 5.9, (409, "not_completed")),
        ("failed", 7.0, (404, "no_results")),
        ("completed", 6.0 + 86_400.0, (410, "expired")),
    ],
)
def test_results_are_refused_before_without_and_after_completion(rig, ends, after, expected):
    seen = asked(rig, "GET", "JOB/results", after=after, job=JobSpec(lasts=6.0, ends=ends))
    assert code(seen) == expected


def test_stream_needs_an_accept_that_allows_it(rig):
    seen = asked(rig, "GET", "JOB/stream", headers=[("accept", "application/json")])
    assert code(seen) == (406, "not_acceptable")


@pytest.mark.parametrize(
    ("accept", "allowed"),
    [
        ("text/event-stream", True),
        ("Text/Event-Stream; charset=utf-8", True),
        ("application/json, text/*;q=0.3", True),
        ("*/*, text/event-stream;q=0", False),
        ("text/event-stream; q=0.000", False),
        ("text/html", False),
        ("", False),
    ],
)
def test_accept_is_read_as_ranges_with_weights(accept, allowed):
    assert accepts_stream(accept) == allowed


@pytest.mark.parametrize("target", ["/api/v2/imports/x", "/api/v2/imports/x/stream", "/api/v2/imports/x/results"])
def test_unknown_job_is_404(rig, target):
    assert code(asked(rig, "GET", target)) == (404, "unknown_job")


@pytest.mark.parametrize("target", ["/", "/api/v2/imports/", "/api/v2/imports/x/y", "/api/v2/token"])
def test_other_paths_are_404(rig, target):
    assert code(asked(rig, "GET", target)) == (404, "not_found")


@pytest.mark.parametrize(("method", "target", "allow"), [("GET", "/api/v2/imports", "POST"), ("PUT", "JOB", "GET")])
def test_other_methods_are_405_with_what_is_allowed(rig, method, target, allow):
    seen = asked(rig, method, target)
    assert (seen["status"], seen["headers"]["allow"]) == (405, allow)


def test_query_does_not_change_the_endpoint(rig):
    assert asked(rig, "GET", "JOB?x=1")["status"] == 200


def test_canary_needs_no_token(rig):
    assert asked(rig, "GET", "/healthz", server=ServerSpec(token_lasts=30.0))["status"] == 200


@pytest.mark.parametrize(
    ("method", "target"),
    [("POST", "/api/v2/imports"), ("GET", "/api/v2/imports/x"), ("GET", "/api/v2/imports/x/stream")],
)
def test_without_a_valid_token_nothing_is_told(rig, method, target):
    seen = asked(rig, method, target, server=ServerSpec(token_lasts=30.0), headers=[("authorization", "Bearer x")])
    assert code(seen) == (401, "unauthorized")
    assert seen["headers"]["www-authenticate"] == "Bearer"


def test_token_is_good_until_it_expires(rig):
    async def main(rig):
        client = await rig.client()
        _, body = await client.fetch("POST", "/api/v2/token")
        assert json.loads(body)["expiresIn"] == 30.0
        headers = [("authorization", f"Bearer {json.loads(body)['token']}")]
        assert (await client.fetch("POST", "/api/v2/imports", headers))[0] == 202
        await trio.sleep(30)
        assert (await client.fetch("POST", "/api/v2/imports", headers))[0] == 401

    rig.run(main, job=QUICK, server=ServerSpec(token_lasts=30.0))


def test_no_more_jobs_than_the_limit_run_at_once_and_old_ones_make_room(rig):
    async def main(rig):
        client = await rig.client()
        assert [(await client.fetch("POST", "/api/v2/imports"))[0] for _ in range(3)] == [202, 202, 503]
        await trio.sleep(7)
        assert (await client.fetch("POST", "/api/v2/imports"))[0] == 202

    rig.run(main, job=QUICK, limits=PeerLimits(jobs=2))


@pytest.mark.parametrize(
    ("target", "after", "status"),
    [
        ("/healthz", 0.0, 200),
        ("/healthz/stream", 0.0, 200),
        ("JOB", 3.0, 200),
        ("JOB/stream", 3.0, 200),
        ("JOB/results", 3.0, 409),
        ("JOB/results", 7.0, 200),
        ("/nothing", 0.0, 404),
        ("/api/v2/imports", 0.0, 405),
    ],
)
def test_head_is_answered_as_get_without_the_body(rig, target, after, status):
    """Nothing is told by it: no snapshot is recorded, and no stream begins."""

    async def main(rig):
        path = await rig.job()
        await trio.sleep(after)
        client = await rig.client()
        target_now = target.replace("JOB", path)
        head = await client.ask("HEAD", target_now)
        assert (head.status_code, await client.body()) == (status, b"")
        assert rig.server.counts.faults == 0
        again = await client.ask("HEAD", target_now)  # the connection lives
        assert again.status_code == status
        if status != 405 and not target.endswith("stream"):
            got = await (await rig.client()).ask("GET", target_now)
            differing = dict(got.headers).items() ^ dict(head.headers).items()
            assert {name for name, _ in differing} <= {b"date"}

    history = rig.run(main, job=QUICK)
    assert len(history.all(Snapshot)) == (target == "JOB")
    assert history.all(Subscriber) == []


def test_what_is_no_request_after_a_head_is_refused_with_a_body(rig):
    async def main(rig):
        client = await rig.client()
        await client.fetch("HEAD", "/healthz")
        await client.stream.send_all(b"nonsense\r\n\r\n")
        assert b'"code":"bad_request"' in await client.stream.receive_some()

    rig.run(main, job=QUICK)
