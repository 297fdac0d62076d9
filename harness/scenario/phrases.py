"""Phrases: the small regular sentences that settings, deeds and bounds are made of.

A form is written as the reference writes it: ``"poll every DURATION after N failures"``. Words in capitals stand for
tokens; the others are literal.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from harness.errors import UsageError
from harness.scenario.place import nearest
from harness.scenario.tokens import TOKENS
from harness.units import quote

T = TypeVar("T")

Fields = dict[str, Any]
"""Fields of a specification, as one setting fills them."""


class Setting(NamedTuple):
    """The value of one key of a section: the fields it fills, and the regular expression for editors (no anchors).

    ``forms`` is what it takes as a reader is told it, ``says`` what it is for.
    """

    parse: Callable[[str], Fields]
    pattern: str
    forms: str = ""
    says: str = ""


def described(says: str, setting: Setting) -> Setting:
    """Return the setting with what it is for, in a sentence or two."""
    return setting._replace(says=says)


NOT_REPEATED = "something else, not repeated here: it may be a secret"


def pattern_of(form: str) -> str:
    """Return the form as a regular expression."""
    return " +".join(TOKENS[part].pattern if part in TOKENS else part for part in form.split())


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
    return [TOKENS[part].parse(word) for part, word in pairs if part in TOKENS]


def one_of(forms: Mapping[str, Callable[..., Fields]], *, example: str = "", discreet: bool = False) -> Setting:
    """Return the setting that takes one of these forms; each maker gets the values of its tokens.

    ``discreet``: what is taken for none of them may be a secret, so the problem does not repeat it.
    """

    def parse(text: str) -> Fields:
        for form, make in forms.items():
            values = match(form, text)
            if values is not None:
                return make(*values)
        shown = " or ".join(quote(form) for form in forms)
        hint = f", such as {quote(example)}" if example else ""
        literal = [form for form in forms if not set(form.split()) & set(TOKENS)]
        came = NOT_REPEATED if discreet else f"{quote(text)}{nearest(text, literal)}"
        raise UsageError(f"expected {shown}{hint}, got {came}")

    return Setting(parse, "|".join(map(pattern_of, forms)), " | ".join(forms))


Bound = Callable[[Callable[[str], Any]], Callable[[str], Any]]
"""Makes of a token one that refuses what is too little or too much (``harness.scenario.bounds``)."""


def one(field: str, token: str, *, above_zero: bool = False, bound: Bound = lambda parse: parse) -> Setting:
    """Return the setting that fills one field with a token; ``above_zero`` refuses nothing (``0s``, ``0B``, ``0``)."""
    parse = bound(TOKENS[token].parse)
    checked = more_than_zero(parse) if above_zero else parse
    return Setting(lambda text: {field: checked(text.strip())}, TOKENS[token].pattern, token)


def choice(field: str, words: Mapping[str, Any] | Sequence[str]) -> Setting:
    """Return the setting that takes one of these words."""
    values = words if isinstance(words, Mapping) else {word: word for word in words}

    def parse(text: str) -> Fields:
        word = " ".join(text.split())
        if word not in values:
            known = ", ".join(values)
            raise UsageError(f"expected one of {known}, got {quote(text)}{nearest(word, values)}")
        return {field: values[word]}

    pattern = "|".join(re.escape(word).replace("\\ ", " +").replace("\\-", "-") for word in values)
    return Setting(parse, pattern, " | ".join(values))


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


def or_never(field: str, kind: str = "DURATION", word: str = "never", *, bound: Bound = lambda parse: parse) -> Setting:
    """Return the setting that takes a quantity above zero, or ``never`` (None)."""

    def read(text: str) -> Fields:
        if text.strip() == word:
            return {field: None}
        try:
            return {field: more_than_zero(bound(TOKENS[kind].parse))(text.strip())}
        except UsageError as refusal:
            raise UsageError(f"{refusal}, or {quote(word)}") from None

    return Setting(read, f"{TOKENS[kind].pattern}|{word}", f"{kind} | {word}")
