import pytest
import trio

from harness.network.real import RealNetwork
from harness.toxiproxy.connection import ApiAnswer, ApiConnection, NoApiAnswer

from .fakes import DEEP, HEAD, answers, dripping, endless, fake, routed, says, silent, whole

PATIENCE = 0.4


async def ask(address, path="/version"):
    async with ApiConnection(address) as connection:
        return await connection.ask("GET", path, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("reply", "seen"),
    [
        (silent, r"sent nothing within 0\.4 s"),
        (dripping(whole(b"2.5.0")), r'sent \d+ bytes and no whole answer within 0\.4 s: "HTTP/1'),
        (dripping(HEAD + b"\r\n" + b"x" * 1000, pause=0.001), "and no whole answer within|sent nothing"),
        (says(b""), "closed the connection without a word"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), r'answered what is no HTTP to an API: "SSH-2\.0-OpenSSH_9\.2\\r\\n"'),
        (says(b"\x1b]0;x\x07" * 3), r'answered what is no HTTP to an API: "\\x1b\]0;x\\x07'),
        (says(HEAD + b"Content-Length: 50\r\n\r\nabc"), 'broke off in the middle of its answer: "HTTP/1.1 200 OK'),
        (
            says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
            "is no HTTP to an API",
        ),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000), "is no HTTP to an API"),
        (endless, "sent an answer of more than 16777216 bytes|no whole answer within"),
    ],
)
async def test_what_is_seen_instead_of_an_answer_is_said(nursery, reply, seen):
    address = await fake(nursery, reply)
    with pytest.raises(NoApiAnswer, match=seen) as none:
        await ask(address)
    assert str(none.value).isprintable()
    nursery.cancel_scope.cancel()


async def test_a_server_that_is_not_there_is_told_from_one_that_has_no_name(free_port):
    with pytest.raises(NoApiAnswer, match="is not there: nothing listens on that port"):
        await ask(("127.0.0.1", free_port))
    with pytest.raises(NoApiAnswer, match=r"has a name that nobody knows here|cannot be reached"):
        await ask(("nobody.invalid", 8474))


@pytest.fixture
async def free_port():
    listener = await RealNetwork().listen()
    await listener.aclose()
    return listener.address[1]


async def test_a_redirect_is_an_answer_and_nobody_is_asked_elsewhere(nursery):
    elsewhere = []
    other = await fake(nursery, answers(b"{}"), elsewhere)
    location = b"Location: http://%s:%d/\r\n" % (other[0].encode(), other[1])
    assert (await ask(await fake(nursery, answers(b"", b"302 Found", location)))).status == 302
    assert elsewhere == []
    nursery.cancel_scope.cancel()


async def test_questions_share_a_connection_and_one_that_was_closed_meanwhile_is_made_anew(nursery):
    heads = []
    address = await fake(nursery, routed(last=says(whole(b"1")), rest=answers(b"2")), heads)
    async with ApiConnection(address) as connection:
        assert await connection.ask("GET", "/first", timeout=PATIENCE) == ApiAnswer(200, b"2")
        stream = connection._stream
        assert await connection.ask("GET", "/last", timeout=PATIENCE) == ApiAnswer(200, b"1")
        assert connection._stream is stream
        assert await connection.ask("GET", "/again", timeout=PATIENCE) == ApiAnswer(200, b"2")
        assert connection._stream is not stream
    assert [head.split()[1] for head in heads] == [b"/first", b"/last", b"/again"]
    nursery.cancel_scope.cancel()


async def test_the_end_of_a_connection_is_known_at_once(nursery):
    go = trio.Event()

    async def reply(stream, _head):
        await stream.send_all(whole(b"1"))
        await go.wait()
        return "close"

    async with ApiConnection(await fake(nursery, reply)) as connection:
        await connection.ask("GET", "/", timeout=PATIENCE)
        go.set()
        with trio.fail_after(2):
            await connection.ended()
    nursery.cancel_scope.cancel()


async def test_where_no_connection_is_open_none_ends():
    with trio.move_on_after(0.02) as scope:
        await ApiConnection(("127.0.0.1", 1)).ended()
    assert scope.cancelled_caught


async def test_a_deep_answer_is_bytes_like_any_other(nursery):
    assert (await ask(await fake(nursery, answers(DEEP)))).body == DEEP
    nursery.cancel_scope.cancel()
