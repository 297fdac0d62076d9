"""Each row runs against the embedded server and a real one: method, path, body, and the exact answer."""

import re

import pytest

from tests.toxiproxy.client import ask

JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
PROXY = {"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}
OFF = {**PROXY, "enabled": False}
OFF_BODY = '{"name":"p","listen":"127.0.0.1:0","upstream":"127.0.0.1:9","enabled":false,"Logger":{},"toxics":%s}'
LATENCY = {"type": "latency", "attributes": {"latency": 7}}
LATENCY_BODY = (
    '{"attributes":{"latency":7,"jitter":0},"name":"latency_downstream","type":"latency",'
    '"stream":"downstream","toxicity":1}'
)


def refused(status, message):
    return status, f'{{"error":"{message}","status":{status}}}\n', PLAIN


def toxic_body(**changes):
    body = LATENCY_BODY
    for old, new in changes.values():
        body = body.replace(old, new)
    return body


MAKE = ("POST", "/proxies", OFF)
POISON = ("POST", "/proxies/p/toxics", LATENCY)
NO_PROXY = refused(404, "proxy not found")
NO_TOXIC = refused(404, "toxic not found")
NOT_FOUND = (404, "404 page not found\n", PLAIN)
NOT_ALLOWED = (405, "", None)
EMPTY = refused(400, "bad request body: EOF")

# name, what comes before, method, path, body, (status, body, content type)
ROWS = [
    ("no proxies", [], "GET", "/proxies", None, (200, "{}", JSON)),
    ("all proxies", [MAKE], "GET", "/proxies", None, (200, '{"p":' + OFF_BODY % "[]" + "}", JSON)),
    ("create", [], "POST", "/proxies", OFF, (201, OFF_BODY % "[]", JSON)),
    ("create ignores toxics", [], "POST", "/proxies", {**OFF, "toxics": [LATENCY]}, (201, OFF_BODY % "[]", JSON)),
    ("keys in any case", [], "POST", "/proxies", {**PROXY, "ENABLED": False}, (201, OFF_BODY % "[]", JSON)),
    ("create without name", [], "POST", "/proxies", {"upstream": "a:1"}, refused(400, "missing required field: name")),
    (
        "create without upstream",
        [],
        "POST",
        "/proxies",
        {"name": "p"},
        refused(400, "missing required field: upstream"),
    ),
    ("create null", [], "POST", "/proxies", b"null", refused(400, "missing required field: name")),
    ("create without body", [], "POST", "/proxies", None, EMPTY),
    ("create twice", [MAKE], "POST", "/proxies", OFF, refused(409, "proxy already exists")),
    (
        "bad listen",
        [],
        "POST",
        "/proxies",
        {**PROXY, "listen": "nonsense"},
        refused(500, "listen tcp: address nonsense: missing port in address"),
    ),
    (
        "bad port",
        [],
        "POST",
        "/proxies",
        {**PROXY, "listen": "127.0.0.1:99999"},
        refused(500, "listen tcp: address 99999: invalid port"),
    ),
    ("show", [MAKE], "GET", "/proxies/p", None, (200, OFF_BODY % "[]", JSON)),
    ("show none", [], "GET", "/proxies/p", None, NO_PROXY),
    ("show percent-encoded", [MAKE], "GET", "/proxies/%70", None, (200, OFF_BODY % "[]", JSON)),
    ("update nothing", [MAKE], "POST", "/proxies/p", {"name": "other"}, (200, OFF_BODY % "[]", JSON)),
    ("update by patch", [MAKE], "PATCH", "/proxies/p", {"enabled": None}, (200, OFF_BODY % "[]", JSON)),
    ("update without body", [MAKE], "POST", "/proxies/p", None, EMPTY),
    ("update none", [], "POST", "/proxies/p", None, NO_PROXY),
    ("delete", [MAKE], "DELETE", "/proxies/p", None, (204, "", None)),
    ("delete none", [], "DELETE", "/proxies/p", None, NO_PROXY),
    ("no toxics", [MAKE], "GET", "/proxies/p/toxics", None, (200, "[]", JSON)),
    ("toxics", [MAKE, POISON], "GET", "/proxies/p/toxics", None, (200, f"[{LATENCY_BODY}]", JSON)),
    ("toxics of none", [], "GET", "/proxies/p/toxics", None, NO_PROXY),
    ("toxics in the proxy", [MAKE, POISON], "GET", "/proxies/p", None, (200, OFF_BODY % f"[{LATENCY_BODY}]", JSON)),
    ("add", [MAKE], "POST", "/proxies/p/toxics", LATENCY, (200, LATENCY_BODY, JSON)),
    (
        "add echoes the stream",
        [MAKE],
        "POST",
        "/proxies/p/toxics",
        {**LATENCY, "stream": "UPSTREAM", "toxicity": 0.5},
        (200, toxic_body(a=("downstream", "UPSTREAM"), b=('"toxicity":1', '"toxicity":0.5')), JSON),
    ),
    ("add twice", [MAKE, POISON], "POST", "/proxies/p/toxics", LATENCY, refused(409, "toxic already exists")),
    (
        "names are unique over both streams",
        [MAKE, POISON],
        "POST",
        "/proxies/p/toxics",
        {"type": "latency", "name": "latency_downstream", "stream": "upstream"},
        refused(409, "toxic already exists"),
    ),
    ("add to none", [], "POST", "/proxies/p/toxics", None, NO_PROXY),
    ("add without body", [MAKE], "POST", "/proxies/p/toxics", None, EMPTY),
    ("add no type", [MAKE], "POST", "/proxies/p/toxics", {}, refused(400, "invalid toxic type")),
    ("add a bad type", [MAKE], "POST", "/proxies/p/toxics", {"type": "lag"}, refused(400, "invalid toxic type")),
    (
        "stream before type",
        [MAKE],
        "POST",
        "/proxies/p/toxics",
        {"type": "lag", "stream": "sideways"},
        refused(400, "stream was invalid, can be either upstream or downstream"),
    ),
    (
        "duplicate before attributes",
        [MAKE, POISON],
        "POST",
        "/proxies/p/toxics",
        {"type": "latency", "attributes": {"latency": 1.5}},
        refused(409, "toxic already exists"),
    ),
    ("toxic", [MAKE, POISON], "GET", "/proxies/p/toxics/latency_downstream", None, (200, LATENCY_BODY, JSON)),
    ("toxic none", [MAKE], "GET", "/proxies/p/toxics/x", None, NO_TOXIC),
    ("toxic of none", [], "GET", "/proxies/p/toxics/x", None, NO_PROXY),
    (
        "merge",
        [MAKE, POISON],
        "POST",
        "/proxies/p/toxics/latency_downstream",
        {"attributes": {"jitter": 3}, "type": "slicer", "name": "n"},
        (200, toxic_body(a=('"jitter":0', '"jitter":3')), JSON),
    ),
    (
        "merge by patch",
        [MAKE, POISON],
        "PATCH",
        "/proxies/p/toxics/latency_downstream",
        {"toxicity": 0},
        (200, toxic_body(a=('"toxicity":1', '"toxicity":0')), JSON),
    ),
    ("merge none before its body", [MAKE], "POST", "/proxies/p/toxics/x", None, NO_TOXIC),
    ("remove", [MAKE, POISON], "DELETE", "/proxies/p/toxics/latency_downstream", None, (204, "", None)),
    ("remove none", [MAKE], "DELETE", "/proxies/p/toxics/x", None, NO_TOXIC),
    ("reset", [], "POST", "/reset", None, (204, "", None)),
    ("populate nothing", [], "POST", "/populate", [], (201, '{"proxies":null}', JSON)),
    ("populate", [], "POST", "/populate", [OFF], (201, '{"proxies":[' + OFF_BODY % "[]" + "]}", JSON)),
    (
        "populate keeps what is the same",
        [MAKE, POISON],
        "POST",
        "/populate",
        [{**OFF, "enabled": True}],
        (201, '{"proxies":[' + OFF_BODY % f"[{LATENCY_BODY}]" + "]}", JSON),
    ),
    (
        "populate replaces what differs",
        [("POST", "/proxies", {**OFF, "upstream": "127.0.0.1:8"}), POISON],
        "POST",
        "/populate",
        [OFF],
        (201, '{"proxies":[' + OFF_BODY % "[]" + "]}", JSON),
    ),
    (
        "populate checks all first",
        [],
        "POST",
        "/populate",
        [OFF, {"name": "q"}],
        (400, '{"error":"missing required field: upstream at proxy 2","status":400,"proxies":null}', JSON),
    ),
    (
        "populate says how far it came",
        [],
        "POST",
        "/populate",
        [OFF, {"name": "q", "upstream": "a:1", "listen": "nonsense"}],
        (
            500,
            '{"error":"listen tcp: address nonsense: missing port in address","status":500,"proxies":['
            + OFF_BODY % "[]"
            + "]}",
            JSON,
        ),
    ),
    (
        "populate without body",
        [],
        "POST",
        "/populate",
        None,
        (400, '{"error":"bad request body: EOF","status":400,"proxies":null}', JSON),
    ),
    ("unknown path", [], "GET", "/nothing", None, NOT_FOUND),
    ("trailing slash", [], "GET", "/proxies/", None, NOT_FOUND),
    ("no metrics", [], "GET", "/metrics", None, NOT_FOUND),
    ("wrong method", [], "PUT", "/proxies", None, NOT_ALLOWED),
    ("reset by get", [], "GET", "/reset", None, NOT_ALLOWED),
    ("options", [], "OPTIONS", "/proxies", None, NOT_ALLOWED),
    ("double slash", [], "GET", "//proxies", None, (301, "", None)),
    ("dots", [], "GET", "/version/../proxies", None, (301, "", None)),
]


@pytest.mark.parametrize("row", [pytest.param(row[1:], id=row[0]) for row in ROWS])
async def test_row(api, row):
    before, method, path, body, expected = row
    for step in before:
        await api.ok(*step)
    answer = await api.call(method, path, body)
    status, text, content_type = expected
    assert (answer.status, answer.body.decode(), answer.headers.get("content-type")) == (status, text, content_type)
    assert "content-length" in answer.headers or status == 204


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/proxies", b"{"),
        ("/proxies", b"[1]"),
        ("/proxies", b'{"name":5,"upstream":"a:1"}'),
        ("/proxies", b'{"name":"n","upstream":"a:1","enabled":"yes"}'),
        ("/proxies/p", b'{"enabled":1}'),
        ("/proxies/p/toxics", b'{"type":"latency","attributes":{"latency":1.5}}'),
        ("/proxies/p/toxics", b'{"type":"latency","attributes":{"latency":"1"}}'),
        ("/proxies/p/toxics", b'{"type":"latency","toxicity":"high"}'),
        ("/proxies/p/toxics", b'{"type":"latency","attributes":[]}'),
    ],
)
async def test_a_body_that_cannot_be_read_is_400(api, path, body):
    await api.ok(*MAKE)
    answer = await api.call("POST", path, body)
    assert answer.status == 400
    assert answer.json["error"].startswith("bad request body: ")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_follows_the_first_json_value_is_ignored(api):
    answer = await api.call("POST", "/proxies", b'{"name":"p","upstream":"a:1","enabled":false} trailing')
    assert answer.status == 201


async def test_browsers_are_refused_where_a_route_is(api):
    browser = (("User-Agent", "Mozilla/5.0"),)
    refusal = await ask(api.address, "GET", "/proxies", None, browser)
    assert (refusal.status, refusal.body) == (403, b"User agent not allowed\n")
    assert (await ask(api.address, "GET", "/nothing", None, browser)).status == 404
    assert (await ask(api.address, "GET", "/proxies", None, (("User-Agent", "mozilla/5.0"),))).status == 200


async def test_version_is_json_with_a_newline(api):
    answer = await api.call("GET", "/version")
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    assert re.fullmatch(rb'\{"version": "(2\.12\.0\S*|git)"\}\n', answer.body)


async def test_routed_answers_have_an_id_of_20_characters(api):
    for method, path in (("GET", "/proxies"), ("GET", "/proxies/none"), ("POST", "/reset")):
        assert re.fullmatch("[a-z0-9]{20}", (await api.call(method, path)).headers["x-toxiproxy-request-id"])
    assert "x-toxiproxy-request-id" not in (await api.call("GET", "/nothing")).headers


async def test_a_redirect_says_where(api):
    assert (await api.call("GET", "//proxies")).headers["location"] == "/proxies"


async def test_proxies_are_sorted_and_toxics_are_upstream_first(api):
    for name in ("b", "a", "c"):
        await api.ok("POST", "/proxies", {**OFF, "name": name})
    await api.toxic("a", "latency", "downstream")
    await api.toxic("a", "bandwidth", "upstream", rate=5)
    await api.toxic("a", "bandwidth", "downstream", rate=5)
    proxies = await api.ok("GET", "/proxies")
    assert list(proxies) == ["a", "b", "c"]
    order = ["bandwidth_upstream", "latency_downstream", "bandwidth_downstream"]
    assert [toxic["name"] for toxic in proxies["a"]["toxics"]] == order
