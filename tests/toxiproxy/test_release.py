"""Which release answers, by the shapes that releases 2.1.4, 2.3.0, 2.5.0, 2.6.0, 2.9.0 and 2.12.0 were seen to have."""

import re

import pytest

from harness.errors import ToxiproxyFault
from harness.toxiproxy.connection import ApiConnection
from harness.toxiproxy.release import EARLIER, LATER, Release, release_of, release_words

from .fakes import answers, fake, silent


@pytest.mark.parametrize(
    ("body", "release"),
    [
        (b'{"version": "2.12.0"}\n', Release("2.12.0", json=True)),
        (b'{"version": "2.12.0+harness.1.0"}\n', Release("2.12.0+harness.1.0", json=True)),
        (b'{"version": "git"}\n', Release("git", json=True)),
        (b'{"version": "2.6.0"}\\n', Release("2.6.0", json=True)),  # a backslash and an n
        (b"2.5.0", Release("2.5.0", json=False)),
        (b"2.1.4", Release("2.1.4", json=False)),
        (b"git", Release("git", json=False)),
        (b"v2.1.0-rc1", Release("v2.1.0-rc1", json=False)),
    ],
)
def test_every_shape_of_a_version_is_known(body, release):
    assert release_of(body, "it") == release


@pytest.mark.parametrize("body", [b"1.2.1", b"2.0.0", b'{"version": "2.0.9"}'])
def test_a_release_before_2_1_is_refused_with_the_reason(body):
    with pytest.raises(ToxiproxyFault, match=r"older than 2\.1, whose API is another; install 2\.1 or later"):
        release_of(body, "it")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"[1,2]", '"[1,2]"'),
        (b"null", '"null"'),
        (b"", '""'),
        (b"{}", '"{}"'),
        (b'{"version": 2}', '"{"version": 2}"'),
        (b"[" * 100_000, f'"{"[" * 59}…"'),
        (b"<html>", '"<html>"'),
        (b"\x1b]0;x\x07", r'"\x1b]0;x\x07"'),
        (b"\xff\xfe", '"��"'),
        (b"hello", '"hello"'),
    ],
)
def test_what_no_toxiproxy_says_is_shown(body, shown):
    with pytest.raises(
        ToxiproxyFault, match=re.escape(f"it answered GET /version with {shown}, which no Toxiproxy says")
    ):
        release_of(body, "it")


NEW = answers(b'{"error":"proxy not found","status":404}\n', b"404 Not Found")
ANCIENT = answers(b'{"title":"proxy not found","status":404}\n', b"404 Not Found")
ELSE = answers(b"{}")


def by_method(patch, rest):
    async def reply(stream, head):
        return await (patch if head.startswith(b"PATCH") else rest)(stream, head)

    return reply


REFUSES = answers(b"", b"405 Method Not Allowed")


async def words(nursery, reply, *, json):
    async with ApiConnection(await fake(nursery, reply)) as connection:
        return await release_words(Release("git", json=json), connection, "it", timeout=0.3)


async def test_a_build_without_a_number_is_told_by_what_it_answers_to_patch(nursery):
    assert await words(nursery, NEW, json=True) == LATER
    assert await words(nursery, by_method(REFUSES, NEW), json=False) == EARLIER


@pytest.mark.parametrize(
    ("reply", "json", "message"),
    [
        (by_method(REFUSES, ANCIENT), False, r"it is a Toxiproxy \(git\) older than 2\.1"),
        (by_method(REFUSES, NEW), True, "calls itself git, in JSON, but answers 405 to PATCH and 404 to GET"),
        (NEW, False, "calls itself git, in bare text, but answers 404 to PATCH"),
        (ELSE, True, "answers 200 to PATCH and 200 to GET"),
        (silent, True, "when asked for a proxy it sent nothing within 0.3 s"),
    ],
)
async def test_what_answers_otherwise_is_refused(nursery, reply, json, message):
    with pytest.raises(ToxiproxyFault, match=message):
        await words(nursery, reply, json=json)


async def test_a_release_with_a_number_is_asked_nothing():
    connection = ApiConnection(("127.0.0.1", 1))
    assert await release_words(Release("2.5.0", json=False), connection, "it", timeout=0.1) == "2.5.0"
