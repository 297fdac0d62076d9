"""Phrases: the small regular sentences that settings, deeds and bounds are made of.

A form is written as the reference writes it: ``"poll every DURATION after N failures"``. Words in capitals stand for
tokens; the others are literal.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from harness.errors import UsageError
from harness.scenario.place import nearest
from harness.units import (
    parse_bit_rate,
    parse_count,
    parse_duration,
    parse_instant,
    parse_percent,
    parse_rate,
    parse_size,
    quote,
)

T = TypeVar("T")

Fields = dict[str, Any]
"""Fields of a specification, as one setting fills them."""

Setting = Callable[[str], Fields]

TOKENS: Mapping[str, Callable[[str], Any]] = {
    "DURATION": parse_duration,
    "INSTANT": parse_instant,
    "SIZE": parse_size,
    "N": parse_count,
    "PERCENT": parse_percent,
    "RATE": parse_rate,
    "BITRATE": parse_bit_rate,
    "WORD": str,
}


def match(form: str, text: str) -> list[Any] | None:
    """Return the values of the form's tokens, or None where the literal words differ.

    Raises ``UsageError`` where the words are those of the form and a token is wrong.
    """
    pattern, words = form.split(), text.split()
    if len(pattern) != len(words):
        return None
    pairs = list(zip(pattern, words, strict=True))
    if any(part not in TOKENS and part != word for part, word in pairs):
        return None
    return [TOKENS[part](word) for part, word in pairs if part in TOKENS]


def one_of(forms: Mapping[str, Callable[..., Fields]], *, example: str = "") -> Setting:
    """Return the setting that takes one of these forms; each maker gets the values of its tokens."""

    def parse(text: str) -> Fields:
        for form, make in forms.items():
            values = match(form, text)
            if values is not None:
                return make(*values)
        shown = " or ".join(quote(form) for form in forms)
        hint = f", such as {quote(example)}" if example else ""
        literal = [form for form in forms if not set(form.split()) & set(TOKENS)]
        raise UsageError(f"expected {shown}{hint}, got {quote(text)}{nearest(text, literal)}")

    return parse


def one(field: str, parse: Callable[[str], Any]) -> Setting:
    """Return the setting that fills one field."""
    return lambda text: {field: parse(text.strip())}


def choice(field: str, words: Mapping[str, Any] | Sequence[str]) -> Setting:
    """Return the setting that takes one of these words."""
    values = words if isinstance(words, Mapping) else {word: word for word in words}

    def parse(text: str) -> Fields:
        word = " ".join(text.split())
        if word not in values:
            known = ", ".join(values)
            raise UsageError(f"expected one of {known}, got {quote(text)}{nearest(word, values)}")
        return {field: values[word]}

    return parse


def more_than_zero(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return the token that refuses nothing: ``0s``, ``0B``, ``0``."""

    def checked(text: str) -> Any:
        value = parse(text)
        if not value > 0:
            raise UsageError(f"expected more than zero, got {quote(text)}")
        return value

    return checked


def above_zero(value: T) -> T:
    """Return a token's value (a number). Raises ``UsageError`` where it is zero."""
    if not value:
        raise UsageError("expected more than zero")
    return value


def or_never(field: str, parse: Callable[[str], Any] = parse_duration, word: str = "never") -> Setting:
    """Return the setting that takes a quantity above zero, or ``never`` (None)."""

    def read(text: str) -> Fields:
        if text.strip() == word:
            return {field: None}
        try:
            return {field: more_than_zero(parse)(text.strip())}
        except UsageError as refusal:
            raise UsageError(f"{refusal}, or {quote(word)}") from None

    return read
