"""What the events say: the JSON of a job's state, padded to size with characters that are easy or hostile.

Three kinds. ``ascii`` is plain; ``utf8`` pads with characters of two, three and four bytes; ``hostile`` pads with what
naive clients take for a line end or a field (WHATWG HTML 9.2.6: only CR and LF end a line), and spreads the JSON over
several lines, so that an event has several ``data`` fields.
"""

import msgspec

from harness.scenario.model import JobSpec

UNITS = {"csv-import": "rows imported", "photo-scan": "photos scanned", "enrichment": "records enriched"}
"""What a job counts, by kind."""

CYCLES = {
    "ascii": "0123456789",
    "utf8": "é世😀",
    "hostile": "\u2028id: 7\u2029\x85data:\x0b\x0c \ufeff\x00: é😀\r\n\nevent: completed\r",
}

RESULT_LINE = b"item,state,detail\n"


class Failure(msgspec.Struct, frozen=True):
    """The structured error of a failed job."""

    code: str
    message: str


class State(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A job's state as an event shows it."""

    job_id: str
    status: str
    progress: float
    processed_count: int
    total_count: int
    error: Failure | None = None
    message: str


class Payloads:
    """Writes the data of one job's events. ``size`` is that of a ``processing`` event's data in UTF-8 bytes.

    A size below the state's own is not reached: nothing is cut.
    """

    def __init__(self, job_id: str, kind: str, spec: JobSpec, characters: str) -> None:
        self._job_id = job_id
        self._unit = UNITS[kind]
        self._spec = spec
        self._cycle = msgspec.json.encode(CYCLES[characters]).decode()[1:-1]
        self._cycle_bytes = len(self._cycle.encode())
        self._spread = characters == "hostile"
        self._plain = characters == "ascii"

    def progress(self, processed: int) -> float:
        """Return the share of the items that is done, 0 to 1."""
        return round(processed / self._spec.items, 6) if self._spec.items else 0.0

    def data(self, event_type: str, processed: int) -> str:
        """Return the data of an event of this type, after so many items."""
        total = self._spec.items
        state = State(
            job_id=self._job_id,
            status=event_type,
            progress=self.progress(processed),
            processed_count=processed,
            total_count=total,
            message=f"{processed} of {total} {self._unit}",
            error=Failure(self._spec.code, "the job failed") if event_type == "failed" else None,
        )
        text = msgspec.json.encode(state)
        if self._spread:
            text = msgspec.json.format(text, indent=1)
        room = self._spec.event_size - len(text) - 1 if event_type == "processing" else self._own_room
        if room <= 0:
            return text.decode()
        # The message comes last, so its padding goes before the last quotation mark.
        head, quote, tail = text.decode().rpartition('"')
        return f"{head} {self._pad(room)}{quote}{tail}"

    @property
    def _own_room(self) -> int:
        """What the events that have no size carry: one cycle of characters, where those are worth a test."""
        return 0 if self._plain else self._cycle_bytes

    def _pad(self, room: int) -> str:
        cycles, rest = divmod(room, self._cycle_bytes)
        return self._cycle * cycles + "." * rest


def results(spec: JobSpec) -> bytes:
    """Return a completed job's results: exactly ``spec.results`` bytes of CSV, its last line cut where they end."""
    return (RESULT_LINE * (spec.results // len(RESULT_LINE) + 1))[: spec.results]
