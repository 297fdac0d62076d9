r"""Escaping: the characters that may not reach a terminal or a CI's log as they are, and their written forms.

1. A control character, a change of the direction of writing, half of a surrogate pair: each could steer a terminal,
   hide what stands there, or fail to be encoded. It is written as Python would write it: ``\x1b``.
2. GitHub's runner takes a line that begins with ``::`` for a command, and ``##[`` anywhere in it for one of an older
   form (actions/runner, src/Runner.Common/ActionCommand.cs). A blank in between makes it text again.
"""

import re

STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
"""Everything of rule 1 but the line feed and the tab."""

_COMMAND = re.compile(r"^([^\S\n]*+):(?=:)", re.MULTILINE)
_PAINT = re.compile(r"(\x1b\[(?:0|1|2|31|32|33)m)")
"""The colours of our own, and no other."""


def visible(text: str) -> str:
    """Return text that steers no terminal. Its line feeds and tabs stay."""
    return STEERING.sub(lambda found: repr(found[0])[1:-1], text)


def on_one_line(text: str) -> str:
    """Return text that steers no terminal and has one line: line feeds and tabs are written out too."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def no_command(text: str) -> str:
    """Return text of which a CI's runner takes no line for a command."""
    return _COMMAND.sub(r"\1: ", text).replace("##[", "# #[")


def painted(text: str) -> str:
    """Return text that steers no terminal but by the colours that the harness itself uses."""
    return "".join(part if number % 2 else visible(part) for number, part in enumerate(_PAINT.split(text)))
