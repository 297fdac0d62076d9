"""The same calls to the embedded server and to a real one: status, reason, headers and body are the same.

What may differ is named here, and nothing else: the words that follow ``bad request body: `` (Go's types have no
meaning to our users), the version, and which number a request or a free port has.
"""

import json
import re
from urllib.parse import quote

import pytest

from tests.toxiproxy.client import Answer, Api, ask
from tests.toxiproxy.conftest import answering, embedded

OFF = {"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9", "enabled": False}
ATTRIBUTES = {
    "latency": {"latency": 5, "jitter": 1},
    "bandwidth": {"rate": 5},
    "slow_close": {"delay": 5},
    "timeout": {"timeout": 5},
    "reset_peer": {"timeout": 5},
    "slicer": {"average_size": 5, "size_variation": 1, "delay": 3},
    "limit_data": {"bytes": 5},
    "noop": {},
}


def life_of(kind: str) -> list[tuple]:
    """Every call about one toxic, in both streams."""
    attributes = ATTRIBUTES[kind]
    toxic = {"type": kind, "attributes": attributes}
    there = f"/proxies/p/toxics/{kind}_up"
    return [
        ("POST", "/proxies/p/toxics", toxic),
        ("POST", "/proxies/p/toxics", toxic),
        ("POST", "/proxies/p/toxics", {**toxic, "name": f"{kind}_up", "stream": "UpStream", "toxicity": 0.123456789}),
        ("GET", there, None),
        ("PATCH", there, {"toxicity": 0.5}),
        ("POST", there, {"attributes": {**attributes, "nothing": 1}, "name": "n", "stream": "downstream"}),
        ("PATCH", there, {"attributes": dict.fromkeys(attributes, 1.5)}),
        ("PATCH", there, None),
        ("PATCH", there, b"null"),
        ("GET", "/proxies/p/toxics", None),
        ("GET", "/proxies/p", None),
        ("DELETE", there, None),
        ("GET", there, None),
        ("DELETE", there, None),
        ("GET", "/proxies", None),
    ]


CALLS: dict[str, list[tuple]] = {
    "version": [("GET", "/version", None), ("GET", "/version?x=1", None), ("POST", "/version", None)],
    "paths": [
        *((method, "/nothing", None) for method in ("GET", "HEAD", "OPTIONS", "PUT", "TRACE")),
        *((method, "/proxies", None) for method in ("OPTIONS", "PUT", "PROPFIND")),
        *(("GET", path, None) for path in ("/", "/proxies/", "/version/", "/metrics", "/reset", "/populate")),
        *(("GET", path, None) for path in ("//proxies", "/a/../proxies", "/./version", "/proxies/%2e%2e/version")),
        ("POST", "//proxies", None),
    ],
    "create": [
        *(("POST", "/proxies", body) for body in (None, b"{", b"[]", b"null", {"name": 1}, {"name": "a"}, OFF, OFF)),
        ("POST", "/proxies", {"name": "é ", "upstream": "x:1", "enabled": False}),
        ("POST", "/proxies", {"name": "h", "listen": "nonsense", "upstream": "x:1"}),
        ("GET", "/proxies", None),
        ("GET", "/proxies/%C3%A9%20", None),
        ("DELETE", "/proxies/%C3%A9%20", None),
        ("DELETE", "/proxies/p", None),
        ("DELETE", "/proxies/p", None),
    ],
    "move": [
        ("POST", "/proxies", OFF),
        *(
            ("PATCH", "/proxies/p", {"listen": listen})
            for listen in (
                "nonsense",
                "127.0.0.1:99999",
                "localhost:0",
                "[::1",
                "::1",
                "[::1]",
                "a:b:c",
                "127.0.0.1:-1",
            )
        ),
        ("POST", "/proxies", {**OFF, "name": "z", "listen": "nonsense"}),  # disabled: not looked at
        ("PATCH", "/proxies/z", {"enabled": True}),
        ("PATCH", "/proxies/z", {"listen": "127.0.0.1:0"}),
        ("POST", "/proxies/z", {"upstream": ""}),
        ("PATCH", "/proxies/z", {"enabled": True}),
        ("PATCH", "/proxies/z", {"enabled": False}),
        ("PATCH", "/proxies/none", None),
    ],
    "toxics": [
        ("POST", "/proxies", OFF),
        *(
            ("POST", "/proxies/p/toxics", {"type": "noop", "name": f"t{toxicity}", "toxicity": toxicity})
            for toxicity in (0, 0.1, 2, -1, 1 / 3, 1e39)
        ),
        *(
            ("POST", "/proxies/p/toxics", {"type": "latency", "name": f"a{at}", "attributes": attributes})
            for at, attributes in enumerate([None, [], 5, {"latency": 2**63}, {"latency": "5"}, {"LATENCY": 5}])
        ),
        ("POST", "/proxies/p/toxics", b'{"type":"latency","TYPE":"noop","type":null,"name":"twice"}'),
        ("POST", "/proxies/p/toxics", b'{"type":"noop","name":"\\ud800"}'),
        ("POST", "/proxies/p/toxics", b'{"type":"noop","name":"\xff"}'),
        ("POST", "/proxies/p/toxics", {"type": "noop", "stream": ""}),
        ("POST", "/proxies/p/toxics", {"type": "lag"}),
        ("GET", "/proxies/p/toxics", None),
        ("POST", "/reset", None),
        ("GET", "/proxies", None),
    ],
    "populate": [
        *(("POST", "/populate", body) for body in (None, b"[]", b"null", b"{}", b"[null]", b"[1]", [OFF], [OFF])),
        ("POST", "/proxies/p/toxics", {"type": "latency"}),
        ("POST", "/populate", [{**OFF, "listen": "nonsense"}]),
        ("POST", "/populate", [{**OFF, "enabled": True, "toxics": [1]}, {**OFF, "name": "q", "upstream": "y:1"}]),
        ("POST", "/populate", [{**OFF, "name": "q", "upstream": "z:1"}, {**OFF, "name": "r", "upstream": ""}]),
        (
            "POST",
            "/populate",
            [{**OFF, "name": "q", "upstream": "z:1"}, {"name": "r", "upstream": "a:1", "listen": "x"}],
        ),
        ("GET", "/proxies", None),
    ],
    **{kind: [("POST", "/proxies", OFF), *life_of(kind)] for kind in ATTRIBUTES},
}


@pytest.fixture
async def both(nursery, real_address):
    await answering(real_address)
    servers = Api("embedded", await nursery.start(embedded)), Api("real", real_address)
    yield servers
    for api in servers:
        for name in await api.ok("GET", "/proxies"):
            await api.ok("DELETE", f"/proxies/{quote(name)}")


def comparable(answer: Answer) -> Answer:
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    assert "date" in answer.headers
    if "x-toxiproxy-request-id" in headers:
        headers["x-toxiproxy-request-id"] = re.sub("[a-z0-9]", "x", headers["x-toxiproxy-request-id"])
    body = re.sub(rb'(?<=bad request body: )[^"\\]*(\\.[^"\\]*)*(?=",)', b"WHY", answer.body)
    body = re.sub(rb'"version": "[^"]*"', b"VERSION", body)
    body = re.sub(rb"(127\.0\.0\.1|\[::\]):[1-9]\d{3,4}", b"PORT", body)
    if body != answer.body:
        headers["content-length"] = str(len(body))
    return answer._replace(headers=headers, body=body)


@pytest.mark.parametrize("about", CALLS)
async def test_both_servers_answer_the_same(both, about):
    for number, (method, path, body) in enumerate(CALLS[about]):
        ours, real = [comparable(await ask(api.address, method, path, body)) for api in both]
        assert ours == real, f"call {number}: {method} {path} {json.dumps(body, default=repr)}"
