"""The judge's phrases for times, amounts and events: one voice for every sentence of a verdict."""

from collections.abc import Iterable, Sequence

RANGES = 3
"""The number of ranges of events that a sentence names before it counts the rest."""

DASH = "\N{EN DASH}"
"""Between the ends of a range."""

UNTESTED = "recovery untested: a lawful client might take "
"""The words for an outage that is not judged, as its recovery may lawfully take longer than is allowed."""

_NAMES = {"wifi": "Wi-Fi", "lte": "LTE", "device": "the device", "middle": "the middle", "server": "the server"}


def path(name: str) -> str:
    """Return the name of a path, or of another actor, as people write it: ``Wi-Fi`` for ``wifi``."""
    return _NAMES.get(name, name)


def moment(at: float) -> str:
    """Return an instant of the scenario: ``12.6 s``."""
    return f"{at:.1f} s"


def between(start: float, end: float) -> str:
    """Return a span of the scenario, or one instant where both ends read alike."""
    first, last = f"{start:.1f}", f"{end:.1f}"
    return f"{first} s" if first == last else f"{first}{DASH}{last} s"


def duration(seconds: float) -> str:
    """Return a length of time: ``9 ms``, ``1.8 s``, ``110 s``."""
    if abs(seconds) < 0.0005:
        return "0 ms" if abs(seconds) < 5e-7 else f"{seconds * 1000:.2f} ms"
    if abs(seconds) < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if abs(seconds) < 99.95 else f"{seconds:.0f} s"


def limit(seconds: float) -> str:
    """Return a bound without a needless fraction: ``21 s``, ``2.5 s``, ``100 ms``."""
    return f"{seconds * 1000:g} ms" if 0 < seconds < 1 else f"{round(seconds, 3):g} s"


def size(count: float) -> str:
    """Return a number of bytes in powers of 1000: ``214 B``, ``21 KB``, ``1.2 MB``."""
    if abs(count) < 1000:
        return f"{count:.0f} B"
    return f"{count / 1e3:.0f} KB" if abs(count) < 999_500 else f"{count / 1e6:.1f} MB"


def amount(count: int, noun: str) -> str:
    """Return ``1 event``, ``1,602 events``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return sorted numbers as closed ranges of neighbours."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        elif not found or number > found[-1][1]:
            found.append((number, number))
    return found


def events(indices: Sequence[int]) -> str:
    """Return which events: ``event 41``, ``events 3, 7 and 12 more``, with neighbours as ranges."""
    spans = ranges(indices)
    parts = [str(a) if a == b else f"{a}{DASH}{b}" for a, b in spans[:RANGES]]
    rest = sum(b - a + 1 for a, b in spans[RANGES:])
    listed = ", ".join(parts) + (f" and {rest} more" if rest else "")
    return f"{'event' if len(indices) == 1 else 'events'} {listed}"


def several(words: Sequence[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return ", ".join(words[:-1]) + f" and {words[-1]}"


def sentence(text: str) -> str:
    """Return text beginning with a capital and ending with a full stop."""
    trimmed = text.strip()
    return trimmed[:1].upper() + trimmed[1:] + ("" if trimmed.endswith((".", "!", "?")) else ".")
