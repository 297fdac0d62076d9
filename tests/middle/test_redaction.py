import pytest

from harness.middle.facts import redact


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/x", "/x"),
        ("/x?a=1&b", "/x?a=1&b"),
        ("/x?API_Key=v&a=1", "/x?API_Key=[redacted]&a=1"),
        ("/x?code=v#frag", "/x?code=[redacted]#frag"),
        ("/x?zipcode=v", "/x?zipcode=v"),
        ("/x?token", "/x?token"),
        ("http://u:p@h/x?id_token=v", "http://[redacted]@h/x?id_token=[redacted]"),
        ("http://u:p@q@h/x", "http://[redacted]@h/x"),
        ("//u@h/x", "//[redacted]@h/x"),
        ("/mail/a@b", "/mail/a@b"),
    ],
)
def test_secrets_are_replaced_and_reported(url, expected):
    assert redact(url) == (expected, url != expected)
