import pytest

from harness.report.redact import redact, redact_data


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: [redacted]"),
        ("curl -H 'authorization: Basic dXNlcg==' x", "curl -H 'authorization: [redacted]' x"),
        ("sent Bearer eyJhbGciOi.x and went on", "sent Bearer [redacted] and went on"),
        ("https://ann:s3cret@example.org/a", "https://[redacted]@example.org/a"),
        ("https://ann:s3@cret@example.org/a", "https://[redacted]@example.org/a"),
        ("https://example.org/?token=abc&job=1", "https://example.org/?token=[redacted]&job=1"),
        ("run --api-key K123 --seed 7", "run --api-key [redacted] --seed 7"),
        ('{"password": "hunter2", "a": 1}', '{"password": "[redacted]", "a": 1}'),
        ("password = 'a b c' x", "password = '[redacted]' x"),
        ('export TOKEN="a b" y', 'export TOKEN="[redacted]" y'),
        ("Cookie: a=b; c=d", "Cookie: [redacted]"),
        ("harness run handoff --seed 7", "harness run handoff --seed 7"),
        ("token expiry, 30 s", "token expiry, 30 s"),
        ("sweep: {token: [none, lasts 30s]}", "sweep: {token: [none, lasts 30s]}"),
        ("server: {token: $life}", "server: {token: $life}"),
        ("password: $ecret1", "password: [redacted]"),
        ("sweep: {passwords: [abc, def], n: 1}", "sweep: {passwords: [redacted], n: 1}"),
    ],
)
def test_secrets_go_and_the_rest_stays(text, redacted):
    assert redact(text) == redacted


def test_a_variable_whose_name_is_a_secret_loses_its_whole_value():
    variables = {"LANG": "C", "GITHUB_TOKEN": "ghp_x y z", "DB_URL": "postgres://u:p@h/d"}
    assert redact_data(variables) == {
        "DB_URL": "postgres://[redacted]@h/d",
        "GITHUB_TOKEN": "[redacted]",
        "LANG": "C",
    }


PART = "eyJhbGciOiJSUzI1NiJ9"


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("b" * 4096, f"sent {PART}.{'b' * 4096}.{'c' * 342} on"),
        ("c" * 342, f"sent {PART}.{'b' * 4096}.{'c' * 342} on"),
        ("tagtag", f"sent {PART}.key.iv.cipher.tagtag on"),  # encrypted: five parts (RFC 7516)
        (PART, f"cut off: {PART}"),
        (PART, f"id_{PART}.x.y"),
        ("k" * 9000, f"token={'k' * 9000}"),
        ("k" * 9000, f"Authorization: Bearer {'k' * 9000}"),
        ("hidden", f"{'x' * 500}token={'hidden'}"),
        ("hidden", "passwords: [one, hidden"),
        ("hidden", "token   =   hidden"),
    ],
)
def test_a_secret_goes_whole_however_long_it_is(text, secret):
    assert secret not in redact(text)


def test_a_name_that_no_value_has_is_not_one_of_a_secret():
    assert redact_data({"token" * 600 + "!": "stays"}) == {"token" * 600 + "!": "stays"}
