import pytest

from harness.report.redact import redact, redact_environment


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
    assert redact_environment(variables) == {
        "DB_URL": "postgres://[redacted]@h/d",
        "GITHUB_TOKEN": "[redacted]",
        "LANG": "C",
    }
