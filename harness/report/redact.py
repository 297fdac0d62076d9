"""Takes secrets out of text that came from a file, an environment, a command line or a peer.

What counts as one: credentials in headers and URLs, values whose name says that they are secret, and tokens of a
well-known form. A false alarm costs a word of a report, a miss costs a key: in doubt it goes.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import NOT_JSON

HIDDEN = "[redacted]"

# Each pattern takes time in proportion to the text, whatever the text is. Three rules see to that:
# 1. What may be long begins only where a run of its characters begins, so that no character is tried twice.
# 2. A run is possessive: it is taken whole or not at all.
# 3. What must be looked for inside a run has a bound. A value has none: it is taken whole, or its end would be shown.
# tests/test_patterns.py feeds every pattern of the product with growing repetitions of its own parts.
_KEYWORD = re.compile(
    r"api[_-]?key|access[_-]?key|private[_-]?key|token|secret|password|passwd|credential|signature|jwt|session[_-]?id",
    re.IGNORECASE,
)
_OTHER_SECRETS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "auth"})
_NAME = re.compile(r"[\w.-]*")
_NAMED = rf"(?=[\w.-]*?(?:{_KEYWORD.pattern}))[\w.-]++"
"""A whole name with a telling word in it; nothing of a name may stand before it."""

_IS = r"\\?+[\"']?+\s*+[=:]\s*+\\?+[\"']?+"
# What is said of a token without naming one: ``token: lasts 30s``, ``token=none``, ``token: expected "none"``.
_HARMLESS = (
    r"(?!\$[a-z_.]++(?=[\s,}\]\"']|$)|\[redacted\]"
    r"|\[?(?:expected|lasts|none|never|true|false|null|expired|invalid|missing|revoked|refresh(?:es|ed)?)\b)"
)
_RULES = (
    # A header to the end of its value, quoted or not: Authorization: Bearer abc, Cookie: a=b; c=d
    (
        re.compile(
            rf"(?<![a-z0-9])((?:proxy-)?authorization|(?:set-)?cookie)({_IS})[^\"'\r\n\\]++",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (
        re.compile(rf"(?<![a-z0-9])(bearer|basic|digest)\s++{_HARMLESS}(?=\S*[\d=])[\w.~+/=-]{{6,}}+", re.IGNORECASE),
        rf"\1 {HIDDEN}",
    ),
    (re.compile(r"(?<![a-z0-9])bearer\s++[\w.~+/=-]{12,}+", re.IGNORECASE), f"Bearer {HIDDEN}"),
    # All before the host of a URL, also of one that was taken for a path: a name without a password may be a token.
    (re.compile(r"(?<=[a-z0-9+.-])(:/{1,2})[^/\s\"'<>]+@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # Telling parameters of a query, whose names mean nothing elsewhere.
    (re.compile(r"([?&](?:key|sig|code|pwd|sid|auth|session|ticket)=)[^\s\"'&#]++", re.IGNORECASE), rf"\1{HIDDEN}"),
    # token=…, "password": "…", passwords: [a, b] (to its end, or the line's), --api-key …
    (
        re.compile(
            rf"(?<![\w.-])({_NAMED})({_IS}){_HARMLESS}"
            # Quoted, so with its blanks, to the quote that ends it, or the line.
            r"(?:\[[^\]\r\n]*+\]?|(?<=\")[^\"\\\r\n]++|(?<=')[^'\\\r\n]++|[^\s\"'&,;\\]++)",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (
        re.compile(
            rf"(?<!-)(--[\w.-]{{0,60}}?(?:{_KEYWORD.pattern})[\w.-]{{0,60}}+)(\s++){_HARMLESS}(?:[^\s-]|-(?!-))++",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    # JSON Web Tokens (RFC 7519), signed (three parts), encrypted (five) or cut off; keys that large services mark.
    (re.compile(r"(?<![A-Za-z0-9])eyJ[\w-]{8,}+(?:\.[\w-]*+){0,4}"), HIDDEN),
    (
        re.compile(
            r"(?<![A-Za-z0-9])(?:gh[pousr]_\w{20,}+|github_pat_\w{20,}+|xox[abprs]-[\w-]{10,}+|AKIA[0-9A-Z]{16}"
            r"|sk-[\w-]{20,}+)"
        ),
        HIDDEN,
    ),
)
# Every rule needs one of these: most text has none, and is passed on after one look.
_HINTS = (
    "authorization", "cookie", "bearer", "basic", "digest", ":/", "?", "&", "key", "token", "secret", "passw",
    "credential", "signature", "jwt", "session", "eyj", "gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_", "xox",
    "akia", "sk-",
)  # fmt: skip


def redact(text: str) -> str:
    """Return text without the values of authorization headers, cookies, tokens, and credentials in URLs."""
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return text
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text


def _is_secret(name: str) -> bool:
    """Return True where the name of a value says that the value is a secret."""
    telling = name.lower() in _OTHER_SECRETS or _KEYWORD.search(name) is not None
    return telling and _NAME.fullmatch(name) is not None


def redact_data(value: Any, each: Callable[[str], str] = redact) -> Any:
    """Return data made of JSON's types without secrets: ``each`` string cleaned, and values of telling names hidden."""
    if isinstance(value, str):
        return each(value)
    if isinstance(value, Mapping):
        return {
            each(str(name)): HIDDEN
            if isinstance(item, str) and item and _is_secret(str(name))
            else redact_data(item, each)
            for name, item in value.items()
        }
    return [redact_data(item, each) for item in value] if isinstance(value, list | tuple) else value


def redact_file_text(name: str, text: str) -> str:
    """Return the text of a file to be written without secrets. ``name`` says how it is read.

    ``.json`` is decoded, so that a scenario's source inside a plan keeps its lines; everything else, and JSON that is
    none, goes line by line.
    """
    if name.endswith(".json"):
        try:
            return json.dumps(redact_data(json.loads(text)), indent=2, ensure_ascii=False) + "\n"
        except NOT_JSON:
            pass
    return "".join(redact(line) for line in text.splitlines(keepends=True))
