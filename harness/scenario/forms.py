"""Forms: the sentences of the timeline as the reference writes them, each a parser and a pattern in one.

``answers CODE:status [retry-after DURATION:wait] [for DURATION:span | N:times times]`` is one form. A word in capitals
is a token, ``a|b`` one of these words; what follows a colon names its value; brackets hold what may be left out, with a
bar between two that exclude each other. The JSON Schema is made of the same texts, so that the two cannot disagree.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from harness.deeds.acts import Act
from harness.errors import UsageError
from harness.scenario.bounds import day
from harness.scenario.place import nearest, not_built
from harness.scenario.tokens import DRAWN, TOKENS
from harness.units import quote

_PARSE = {name: token.parse for name, token in TOKENS.items()} | {"DURATION": day(TOKENS["DURATION"].parse)}
"""The timeline's reader of each token: no deed lasts longer than a day."""


class Form:
    """One sentence. ``shown`` is how messages write it."""

    def __init__(self, text: str) -> None:
        self.parts = text.split()
        self.first = self.parts[0]
        self.shown = re.sub(r":[a-z_]+", "", text)
        self.kinds = {name: kind for kind, _, name in (part.strip("[]").partition(":") for part in self.parts) if name}
        self._strict = re.compile(self._regex(lambda kind: TOKENS[kind].pattern, named=True))
        self._loose = re.compile(self._regex(lambda _: r"\S+", named=True))

    @property
    def pattern(self) -> str:
        """The form as a regular expression for editors, in which a duration may be drawn."""
        return self._regex(lambda kind: DRAWN if kind == "DURATION" else TOKENS[kind].pattern, named=False)

    def strictly(self, text: str) -> Mapping[str, Any] | None:
        """Return the values of a text (single blanks) that is of this form, or None. Raises ``UsageError``."""
        return self._values(self._strict.fullmatch(text))

    def resembles(self, text: str) -> bool:
        """Return whether the literal words are right, whatever stands for the tokens."""
        return self._loose.fullmatch(text) is not None

    def loosely(self, text: str) -> Mapping[str, Any] | None:
        """Do the same where a token may be wrong: raises what the token says."""
        return self._values(self._loose.fullmatch(text))

    def _values(self, found: re.Match[str] | None) -> Mapping[str, Any] | None:
        if found is None:
            return None
        given = {name: text for name, text in found.groupdict().items() if text is not None}
        return {
            name: _PARSE[self.kinds[name]](text) if self.kinds[name] in _PARSE else text for name, text in given.items()
        }

    def _regex(self, token: Callable[[str], str], *, named: bool) -> str:
        """Join the parts; the blank before an optional part is optional with it."""
        regex, opened = "", True
        for part in self.parts:
            word = part.strip("[]")
            if part.startswith("["):
                regex, opened = f"{regex}(?:(?: +", True
            if word == "|":
                regex, opened = f"{regex})|(?: +", True
                continue
            kind, _, name = word.partition(":")
            body = token(kind) if kind in TOKENS else "|".join(map(re.escape, kind.split("|")))
            body = f"(?P<{name}>{body})" if named and name else f"(?:{body})" if name else body
            regex += body if opened else f" +{body}"
            opened = False
            if part.endswith("]"):
                regex += "))?"
        return regex.replace(r"\-", "-")


class ParsedDeed(NamedTuple):
    """A sentence understood: what is done, and for how long (None: until another word)."""

    act: Act
    span: float | None = None


class Speech:
    """Everything one actor may be told. ``whose`` completes "is no …"; ``later`` are first words not built yet."""

    def __init__(
        self, actor: str, whose: str, forms: Mapping[str, Callable[..., Act]], later: tuple[str, ...] = ()
    ) -> None:
        self.actor = actor
        self.whose = whose
        self.forms = {Form(text): make for text, make in forms.items()}
        self.later = later
        self.first_words = tuple(
            dict.fromkeys(word for form in self.forms for word in form.first.partition(":")[0].split("|"))
        )

    def parse(self, text: str) -> ParsedDeed:
        """Return the act. Raises ``UsageError`` with the nearest word or the forms that begin like this."""
        text = " ".join(text.split())
        if any(text == word or text.startswith(f"{word} ") for word in self.later):
            raise not_built(f"{self.actor}: {text}" if self.actor else text)
        for form, make in self.forms.items():
            values = form.strictly(text)
            if values is not None:
                return _said(make, dict(values), text)
        near = [form for form in self.forms if form.resembles(text)]
        if len(near) == 1:  # else it is unknown which token is wrong
            near[0].loosely(text)
        raise UsageError(self._refusal(text))

    def _refusal(self, text: str) -> str:
        first = text.split(" ", 1)[0]
        if first not in self.first_words:
            hint = nearest(first, self.first_words)
            return f"{quote(text)} is no {self.whose}{hint}" + ("" if hint else self._all())
        alike = [form for form in self.forms if first in form.first.partition(":")[0].split("|")]
        shown = " or ".join(quote(_named(form, first), longest=90) for form in alike)
        return f"expected {shown}, got {quote(text)}"

    def _all(self) -> str:
        return f": expected {', '.join(form.shown for form in self.forms)}" if self.actor else ""


def _named(form: Form, first: str) -> str:
    """Return the form as shown, with its first word chosen."""
    return " ".join([first, *form.shown.split(" ")[1:]])


def _said(make: Callable[..., Act], values: dict[str, Any], text: str) -> ParsedDeed:
    span = values.pop("span", None)
    if span == 0:
        raise UsageError(f'expected more than zero after "for", got {quote(text)}')
    return ParsedDeed(make(**values), span)
