"""Takes secrets out of text that came from an environment, a command line or a peer."""

import re
from collections.abc import Mapping

HIDDEN = "[redacted]"

_NAMES = (
    r"[\w.-]*(?:api[_-]?key|access[_-]?key|token|secret|password|passwd|credential|signature|session[_-]?id)[\w.-]*"
)
_SECRET_NAME = re.compile(rf"(?:{_NAMES}|authorization|cookie|auth)", re.IGNORECASE)
_RULES = (
    # A header to the end of its value, quoted or not: Authorization: Bearer abc, Cookie: a=b; c=d
    (
        re.compile(r"\b((?:proxy-)?authorization|(?:set-)?cookie)(\"?'?\s*[:=]\s*\"?'?)[^\"'\r\n]+", re.IGNORECASE),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"\b(bearer|basic|digest)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # The password of a URL; the user stays, it tells accounts apart.
    (re.compile(r"\b([a-z][a-z0-9+.-]*://)([^/\s:@]*):([^/\s@]+)@", re.IGNORECASE), rf"\1\2:{HIDDEN}@"),
    # token=…, --api-key …, "password": "…"
    (re.compile(rf"({_NAMES})(\"?'?\s*[=:]\s*\"?'?)[^\s\"'&,;]+", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    (re.compile(rf"(--{_NAMES})(\s+)(?!--)[^\s]+", re.IGNORECASE), rf"\1\2{HIDDEN}"),
)


def redact(text: str) -> str:
    """Return text without the values of authorization headers, cookies, tokens, and passwords in URLs."""
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def redact_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables sorted by name, with the whole value hidden where the name says it is a secret."""
    return {
        name: HIDDEN if _SECRET_NAME.fullmatch(name) else redact(value) for name, value in sorted(variables.items())
    }
