import pytest
import trio

from harness.toxiproxy.address import BadAddress, dial_addresses, join_address, listen_address, split_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        (":80", ("", 80)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:80", ("::1", 80)),
        ("a:", ("a", 0)),
    ],
)
def test_an_address_is_a_host_and_a_port(text, expected):
    assert split_address(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "address nonsense: missing port in address"),
        ("::1", "address ::1: too many colons in address"),
        ("a:b:c", "address a:b:c: too many colons in address"),
        ("[::1]", "address [::1]: missing port in address"),
        ("[::1", "address [::1: missing ']' in address"),
        ("a:99999", "address 99999: invalid port"),
        ("a:-1", "address -1: invalid port"),
        ("a:²", "address ²: invalid port"),
    ],
)
def test_a_bad_address_is_refused_in_gos_words(text, message):
    with pytest.raises(BadAddress) as refusal:
        split_address(text)
    assert str(refusal.value) == message


@pytest.mark.parametrize("text", ["", ":0", "0.0.0.0:0", "[::]:0", "localhost:0", "127.0.0.1:0"])
def test_everything_listens_on_loopback(text):
    assert listen_address(text) == ("127.0.0.1", 0)


@pytest.mark.parametrize(
    ("text", "expected"), [("127.0.0.2:5", ("127.0.0.2", 5)), ("[::1]:5", ("::1", 5)), ("[0::1]:5", ("::1", 5))]
)
def test_another_loopback_address_is_kept(text, expected):
    assert listen_address(text) == expected


@pytest.mark.parametrize("text", ["192.0.2.1:5", "example.org:5", "[2001:db8::1]:5"])
def test_nothing_else_is_listened_on(text):
    with pytest.raises(BadAddress, match=r"bind: only loopback is served here, use 127\.0\.0\.1:5"):
        listen_address(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1:5", [("192.0.2.1", 5)]),
        ("[2001:db8::1]:5", [("2001:db8::1", 5)]),
        (":5", [("127.0.0.1", 5)]),
        ("[::]:5", [("::1", 5)]),
        ("localhost:5", [("127.0.0.1", 5), ("::1", 5)]),
    ],
)
def test_literal_upstreams_are_dialed_as_they_are(text, expected):
    assert trio.run(dial_addresses, text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "address nonsense: missing port in address"),
        ("a:" + "9" * 5000, "invalid port"),
        ("x" * 64 + ":1", "no such host"),
        ("a..b:1", "no such host"),
        ("a\0b:1", "no such host|not known"),
    ],
)
def test_an_upstream_that_is_no_address_cannot_be_dialed(text, message):
    with pytest.raises(OSError, match=message):
        trio.run(dial_addresses, text)


def test_ipv6_is_written_in_brackets():
    assert join_address(("::1", 5)) == "[::1]:5"
    assert join_address(("127.0.0.1", 5)) == "127.0.0.1:5"
