"""A deed as a phrase, in the words of its file: what the terminal, the report and the judge call it."""

import re

from harness.deeds.acts import Deed
from harness.scenario.model import Plan

_LASTS = re.compile(r"(?<!\s)\s+for \S+(?: to \S+)?$")


def deed_text(deed: Deed, plan: Plan | None = None) -> str:
    """Return a deed as a phrase: ``wifi silent for 5s``, ``middle on wifi shows portal``; ``end of wifi silent``."""
    undone = plan.deeds[deed.undoes] if plan and deed.undoes is not None and deed.undoes < len(plan.deeds) else None
    if undone is not None:
        return f"end of {who(undone)} {without_end(undone.text)}".rstrip()
    if deed.undoes is not None:
        return f"end of {who(deed)} {without_end(deed.text)}".rstrip()
    return f"{who(deed)} {deed.text}".rstrip()


def without_end(text: str) -> str:
    """Return a deed's words without how long it lasts: ``silent`` of ``silent for 5s``."""
    return _LASTS.sub("", text)


def who(deed: Deed) -> str:
    """Return the actor of a deed as the file names it: ``middle on wifi`` where it is narrowed to a path."""
    return f"{deed.actor} on {deed.on}" if deed.on and " on " not in deed.actor else deed.actor
