"""The payloads of events: the JSON of a job's state, padded to size with characters that are easy or hostile.

Three kinds. ``ascii`` is plain; ``utf8`` pads with characters of two, three and four bytes; ``hostile`` pads with what
naive clients take for a line end or a field (WHATWG HTML 9.2.6: only CR and LF end a line), and spreads the JSON over
several lines, so that an event has several ``data`` fields.
"""

import msgspec

from harness.scenario.model import JobSpec

UNITS = {"csv-import": "rows imported", "photo-scan": "photos scanned", "enrichment": "records enriched"}
"""The unit that a job counts, by kind."""

CYCLES = {
    "ascii": "0123456789",
    "utf8": "é世😀",
    "hostile": "\u2028id: 7\u2029\x85data:\x0b\x0c \ufeff\x00: é😀\r\n\nevent: completed\r",
}

RESULT_LINE = b"item,state,detail\n"


class JobFailure(msgspec.Struct, frozen=True):
    """The structured error of a failed job."""

    code: str
    message: str


class Payloads:
    """Writes the data of one job's events. ``size`` is that of a ``processing`` event's data in UTF-8 bytes.

    A size below the state's own is not reached: nothing is cut.
    """

    def __init__(self, job_id: str, kind: str, spec: JobSpec, characters: str) -> None:
        self._items = spec.items
        self._size = spec.event_size
        self.spread = characters == "hostile"  # over several lines
        self._between = "\n " if self.spread else ""
        self._head = f'{{{self._between}"jobId":"{job_id}",{self._between}"status":"'
        self._unit = UNITS[kind]
        self._cycle = msgspec.json.encode(CYCLES[characters]).decode()[1:-1]
        self._cycle_bytes = len(self._cycle.encode())
        # What events carry that have no size of their own: one cycle of characters, where those are worth a test.
        self._own_room = 0 if characters == "ascii" else self._cycle_bytes

    def progress(self, processed: int) -> float:
        """Return the share of the items that is done, 0 to 1."""
        return round(processed / self._items, 6) if self._items else 0.0

    def data(self, event_type: str, processed: int, code: str = "") -> str:
        """Return the data of an event of this type, after so many items. ``code`` is that of a failure."""
        between, items = self._between, self._items
        error = f'"error":{_failure(code)},{between}' if event_type == "failed" else ""
        # By hand, since it runs once per event: an encoder with a second pass for the padding costs twice as much.
        text = (
            f'{self._head}{event_type}",{between}"progress":{self.progress(processed)},{between}'
            f'"processedCount":{processed},{between}"totalCount":{items},{between}{error}'
            f'"message":"{processed} of {items} {self._unit}'
        )
        end = f'"{between}}}'
        room = self._size - len(text) - len(end) - 1 if event_type == "processing" else self._own_room
        if room <= 0:
            return text + end
        cycles, rest = divmod(room, self._cycle_bytes)
        return f"{text} {self._cycle * cycles}{'.' * rest}{end}"


def _failure(code: str) -> str:
    return msgspec.json.encode(JobFailure(code, "the job failed")).decode()


def results(spec: JobSpec) -> bytes:
    """Return a completed job's results: exactly ``spec.results`` bytes of CSV, its last line cut where they end."""
    return (RESULT_LINE * (spec.results // len(RESULT_LINE) + 1))[: spec.results]
