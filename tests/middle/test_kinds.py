import pytest

from harness.middle import RequestKinds


@pytest.mark.parametrize(
    ("method", "path", "accept", "expected"),
    [
        ("POST", "/api/v2/imports", "*/*", ("start", "")),
        ("GET", "/api/v2/imports", "*/*", ("other", "")),
        ("GET", "/api/v2/imports/j/stream", "", ("stream", "j")),
        ("GET", "/api/v2/imports/j", "application/json", ("poll", "j")),
        ("GET", "/api/v2/imports/j", "Text/Event-Stream", ("stream", "j")),
        ("GET", "/api/v2/imports/j/results", "*/*", ("results", "j")),
        ("POST", "/api/v2/token", "*/*", ("token", "")),
        ("GET", "/healthz", "*/*", ("other", "")),
        ("GET", "/api/v2/imports/j/results/x", "*/*", ("other", "")),
    ],
)
def test_kind_comes_from_method_path_and_accept(method, path, accept, expected):
    assert RequestKinds().classify(method, path, accept) == expected


def test_endpoints_of_another_api_can_be_given():
    kinds = RequestKinds({"stream": "GET /v1/:job.events"})
    assert kinds.classify("GET", "/v1/j.events", "") == ("stream", "j")
    assert kinds.classify("GET", "/v1/jxevents", "") == ("other", "")


def test_endpoint_without_a_path_is_refused():
    with pytest.raises(ValueError, match="expected an endpoint such as"):
        RequestKinds({"stream": "GET"})
