"""Sense: deeds that would say what already is, or what cannot be, are refused. No fault could be seen in them."""

from collections.abc import Sequence

from harness.scenario.model import (
    ComesOnline,
    Deed,
    Ends,
    GoesOffline,
    Joins,
    Loses,
    Pauses,
    Prefers,
    Resumes,
    RevokesToken,
    ServerSpec,
    SilencesKeepalive,
    Suspends,
)
from harness.scenario.spans import Spoken
from harness.units import quote, spell_duration


def check_device(found: Sequence[Spoken], starts_on: str) -> None:
    """Note a problem for each signal that the device cannot give. ``found`` is in order of doing."""
    joined = {starts_on}
    offline = False
    asleep_until = 0.0
    for deed in found:
        at = f"at {spell_duration(deed.at)}"
        match deed.act:
            case Joins(path=path):
                if path in joined:
                    deed.place.fail(f"{quote(deed.text)}: {path} is joined already {at}")
                joined.add(path)
            case Prefers(path=path) | Loses(path=path) if path not in joined:
                shown = ", ".join(sorted(joined)) or "none"
                deed.place.fail(f"{quote(deed.text)}: {path} is not joined {at} (joined: {shown})")
            case Loses(path=path):
                joined.remove(path)
            case GoesOffline():
                if offline:
                    deed.place.fail(f"{quote(deed.text)}: the device is offline already {at}")
                offline = True
            case ComesOnline():
                if not offline:
                    deed.place.fail(f"{quote(deed.text)}: the device is not offline {at}")
                offline = False
            case Suspends(lasts=lasts):
                if deed.at < asleep_until:
                    deed.place.fail(f"{quote(deed.text)}: the device is suspended already {at}")
                asleep_until = round(deed.at + lasts, 9)


def check_job(found: Sequence[Spoken]) -> None:
    """Note a problem for each word to the job that it cannot follow."""
    paused = over = False
    for deed in found:
        if deed.actor != "job":
            continue
        at = f"at {spell_duration(deed.at)}"
        if over:
            deed.place.fail(f"{quote(deed.text)}: the job has been ended already {at}")
        match deed.act:
            case Pauses():
                if paused:
                    deed.place.fail(f"{quote(deed.text)}: the job is paused already {at}")
                paused = True
            case Resumes():
                if not paused:
                    deed.place.fail(f"{quote(deed.text)}: the job is not paused {at}")
                paused = False
            case Ends():
                over = True


def pointless(deed: Deed, server: ServerSpec) -> str:
    """Return why a deed of the server would change nothing with these settings, or the empty string."""
    match deed.act:
        case RevokesToken() if server.token_lasts is None:
            return "the server gives no token: expected server: {token: lasts 30s}"
        case SilencesKeepalive() if server.keepalive is None:
            return "the server has no keep-alive to silence (keepalive: none)"
    return ""
