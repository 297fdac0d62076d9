"""Tokens, redirects, and where secrets may go."""

import ssl

import h11
import pytest
import trio

from harness.clients import Endpoints, SSEClient
from harness.errors import UsageError
from tests.clients.stage import Stage, answers, completes, in_turn, play


def guarded(handler, token="fresh"):
    """The handler, for those who bring this token; 401 for others."""

    async def check(reply):
        if reply.asked.headers.get("authorization") == f"Bearer {token}":
            await handler(reply)
        else:
            await reply.full(401)

    return check


def redirects(location, status=302):
    return answers(status, location=location)


def test_a_401_refreshes_the_token_once_and_retries_at_once_with_the_same_cursor():
    async def expires(reply):
        await reply.head()
        await reply.events(1)
        await reply.end()

    stage = Stage(streams=[guarded(expires, "old"), guarded(completes)])
    played = play(stage, token="old")
    assert played.causes == ["start", "ended", "refreshed"]
    assert played.waits[2] == 0.0
    assert stage.cursors() == [None, "a-1", "a-1"]
    assert [asked.what for asked in stage.asked] == ["stream", "stream", "token", "stream", "results"]
    assert played.outcome.counts.refreshes == 1


def test_a_401_with_a_fresh_token_is_final():
    played = play(Stage(streams=[answers(401)]), token="old")
    assert played.outcome.error == "the stream was refused: status 401"
    assert len(played.stage.times("token")) == 1


def test_a_401_after_a_fresh_token_that_nobody_answered_refreshes_again():
    async def resets(reply):
        reply.pipe.reset()

    played = play(Stage(streams=[answers(401), resets, answers(401), completes]), token="old")
    assert played.causes == ["start", "refreshed", "failed", "refreshed"]
    assert played.outcome.ended == "completed"


def test_a_refresh_that_is_refused_is_final():
    played = play(Stage(streams=[answers(401)], token=lambda reply: reply.full(403)))
    assert played.outcome.error == "the stream was refused: status 401, and no new token was given"


def test_a_refresh_that_meets_a_server_in_trouble_is_tried_again_with_backoff():
    stage = Stage(
        streams=[guarded(completes)],
        token=in_turn(answers(503), answers(429), answers(200, data=b'{"token": "fresh"}')),
    )
    played = play(stage, token="old")
    assert played.outcome.error == ""
    assert len(stage.times("token")) == 3


def test_a_refresh_that_the_network_broke_is_tried_again_with_backoff():
    async def resets(reply):
        reply.pipe.reset()

    stage = Stage(streams=[guarded(completes)], token=in_turn(resets, answers(200, data=b'{"token": "fresh"}')))
    played = play(stage, token="old")
    assert played.causes == ["start", "failed", "refreshed"]


def test_stream_poller_and_results_share_one_refresh():
    async def slow(reply):
        await trio.sleep(0.5)
        await reply.json({"token": "fresh"})

    stage = Stage(token=slow)

    async def main():
        async with trio.open_nursery() as stage.nursery:
            client = SSEClient("http://server", phone=stage, token="old")
            async with client, trio.open_nursery() as askers:
                for _ in range(3):
                    askers.start_soon(client._requests.refresh, "Bearer old")
            stage.nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert len(stage.times("token")) == 1


def test_results_refresh_the_token_too():
    stage = Stage(results=guarded(lambda reply: reply.json({"rows": 1})))
    played = play(stage, token="old")
    assert played.outcome.results.status == 200
    assert len(stage.times("results")) == 2


def test_the_token_does_not_follow_a_redirect_to_another_origin():
    stage = Stage(streams=[redirects("http://portal/login"), completes])
    played = play(stage, token="secret", headers={"X-Api-Key": "secret"})
    assert len(stage.asked) >= 2
    for asked in stage.asked:
        if asked.headers["host"] == "portal":
            assert "secret" not in str(asked.headers)
    assert any(asked.headers["host"] == "portal" for asked in stage.asked)
    assert played.outcome.ended == "completed"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_of_the_stream_are_followed_with_token_and_cursor(status):
    async def first(reply):
        await reply.head()
        await reply.events(1)
        await reply.end()

    stage = Stage(streams=[first, redirects("/elsewhere/stream", status), completes])
    played = play(stage, token="t")
    assert stage.asked[2].target == "/elsewhere/stream"
    assert stage.asked[2].headers["authorization"] == "Bearer t"
    assert stage.cursors() == [None, "a-1", "a-1"]
    assert played.outcome.counts.attempts == 2


def test_redirects_without_end_or_without_a_location_are_failed_attempts():
    stage = Stage(streams=[redirects("/again/stream")] * 6 + [answers(301), completes])
    played = play(stage)
    assert played.hows == ["error", "status", "done"]
    assert "more than 5 redirects" in played.watcher.ends[0].detail
    assert played.watcher.ends[1].status == 301


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_without_a_location_is_an_answer_whose_retry_after_binds(status):
    played = play(Stage(streams=[answers(status, retry_after="7"), completes]))
    assert 7.0 <= played.waits[1] <= 8.0


def test_a_redirect_of_a_token_request_does_not_refuse_the_token():
    refused = in_turn(answers(307), lambda reply: reply.json({"token": "fresh"}))
    played = play(Stage(streams=[answers(401), answers(401), completes], token=refused), token="t")
    assert (played.hows, len(played.stage.times("token"))) == (["status", "status", "done"], 2)


def test_a_context_that_does_not_verify_is_refused():
    careless = ssl.create_default_context()
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    with pytest.raises(UsageError, match="does not verify"):
        SSEClient("https://server", phone=Stage(), tls=careless)


@pytest.mark.parametrize(
    "url",
    [
        "server:80",
        "ftp://server",
        "/path",
        "",
        "http://",
        "ws://server",
        "http://a b",
        "http://h\\x",
        "http://h:0",
        "http://[fe80",
        "http://h:99999",
        "http://[::1",
        "http://h:80:80",
        "http://h\n/",
        "http://xn--zz",
    ],
)
def test_a_base_that_is_no_web_address_is_refused(url):
    with pytest.raises(UsageError, match="expected an http or https URL"):
        SSEClient(url, phone=Stage())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://h?x=1", 'got one with a query: "http://h\\?x=1"'),
        ("http://h/v2/?", "got one with a query"),
        ("http://h/#top", "got one with a fragment"),
        ("http://user:hush@h", 'a name or password in it, for "h": give a token'),
        ("http://user@h/?x", "a name or password"),
    ],
)
def test_a_base_that_no_path_can_be_put_behind_is_refused_in_words_without_its_secrets(url, words):
    with pytest.raises(UsageError, match=words) as caught:
        SSEClient(url, phone=Stage())
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://h", "HTTPS://h:8443/", "http://h/v2/jobs//", "http://[::1]:80", "http://bücher.de"]
)
def test_a_base_that_is_one_is_taken(url):
    SSEClient(url, phone=Stage())


@pytest.mark.parametrize(
    ("client", "words"),
    [
        ({"headers": {"X-Key": "hush\n"}}, "the value of the header X-Key"),
        ({"headers": {"X Key": "hush"}}, 'the name of a header, such as X-Api-Key, got "X Key"'),
        ({"headers": {"": "hush"}}, "the name of a header"),
        ({"token": "hush\r\nX: y"}, "the value of the header Authorization"),
    ],
)
def test_what_no_header_can_carry_is_refused_at_once_and_not_tried_for_ever(client, words):
    with pytest.raises(UsageError, match=words) as caught:
        SSEClient("http://server", phone=Stage(), **client)
    assert "hush" not in str(caught.value)


def test_a_redirect_said_twice_is_followed_and_one_to_two_places_is_not():
    def twice(*locations):
        async def handler(reply):
            await reply._send(h11.Response(status_code=302, headers=[("location", one) for one in locations]))
            await reply.end()

        return handler

    played = play(Stage(streams=[twice("/a/stream", "/b/stream"), twice("/a/stream", "/a/stream"), completes]))
    assert played.hows == ["error", "done"]
    assert "a redirect (302) to several places" in played.watcher.ends[0].detail
    assert played.stage.asked[2].target == "/a/stream"


@pytest.mark.parametrize("junk", [b"{}", b'{"token": "\xff"}', b'{"token": ' + b"[" * 9_000, b'{"token": "a\\nb"}'])
def test_an_answer_without_a_token_that_can_be_sent_is_asked_for_again(junk):
    stage = Stage(
        streams=[guarded(completes)], token=in_turn(answers(200, data=junk), answers(200, data=b'{"token": "fresh"}'))
    )
    played = play(stage, token="old")
    assert (played.outcome.ended, len(stage.times("token"))) == ("completed", 2)


def test_an_endpoint_that_is_no_path_is_refused():
    with pytest.raises(UsageError, match="path that begins with /, got \"events\" for the endpoint 'stream'"):
        SSEClient("http://server", phone=Stage(), endpoints=Endpoints(stream="events"))
    SSEClient("http://server", phone=Stage(), endpoints=Endpoints(token=None, stream="/events?job=:job"))
