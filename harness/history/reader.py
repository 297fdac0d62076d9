"""Reads a history back, also one whose writer was killed: every flushed line, nothing else."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from harness.errors import NOT_JSON, BadRecords
from harness.files import open_regular
from harness.history.records import SCHEMA_VERSION, AnyRecord, End, Record, Run

R = TypeVar("R", bound=Record)

PIECE = 1 << 16
"""Bytes read, and inflated, at a time: a bomb is met before it is held."""

LARGEST = 1 << 30
"""Inflated bytes of a history. The largest plans write a third of it."""

LONGEST_LINE = 1 << 25
"""Bytes of one record: that of a job names the instants of all its events."""

MOST_RECORDS = 6_000_000
"""Those of 500,000 events, seven each, and more than half as many again."""

_SHARED = frozenset(("client", "job", "epoch", "type", "direction", "fate", "callback", "id", "digest"))
"""Fields whose words come again in other records: kept once, they make a history two fifths smaller in memory."""


class History:
    """The records of one run, in order. ``aborted`` when the writer never said how the run ended."""

    def __init__(self, records: list[Record], *, truncated: bool = False) -> None:
        self.records = records
        self.truncated = truncated
        self._by_type: dict[type[Record], list[Record]] = {}
        for record in records:
            self._by_type.setdefault(type(record), []).append(record)
        self.zero_ns = self.run.zero_ns if self.run else 0
        """The stamp of 0 s of the scenario; 0 in an empty history."""

    def all(self, kind: type[R]) -> list[R]:
        """Return all records of one type, in order."""
        return self._by_type.get(kind, [])  # type: ignore[return-value]

    @property
    def run(self) -> Run | None:
        """The first record, or None in an empty history."""
        runs = self.all(Run)
        return runs[0] if runs else None

    @property
    def end(self) -> End | None:
        """The record of the run's end, or None when the run could not write it."""
        ends = self.all(End)
        return ends[-1] if ends else None

    def seconds(self, t_ns: int) -> float:
        """Return the scenario time of a stamp."""
        return (t_ns - self.zero_ns) / 1e9


def read_history(path: Path) -> History:
    """Read ``history.jsonl.gz``. A cut tail is dropped and noted; anything else unreadable raises ``BadRecords``."""
    decode = msgspec.json.Decoder(AnyRecord).decode
    share: dict[str, str] = {}
    shared = {kind: _shared(kind) for kind in AnyRecord.__args__}
    records: list[Record] = []
    truncated = False
    try:
        for number, line in enumerate(_lines(_inflate(path))):
            if number >= MOST_RECORDS:
                raise BadRecords(f"{path} is no history of a run: it has more than {MOST_RECORDS} records")
            if line:
                record = decode(line)
                for name in shared[record.__class__]:
                    word = getattr(record, name)
                    setattr(record, name, share.setdefault(word, word))
                records.append(record)
    except EOFError:
        truncated = True
    except zlib.error as error:
        raise BadRecords(f"{path} is not a history: {error}") from error
    except NOT_JSON as error:
        raise BadRecords(f"{path}, record {len(records) + 1}: {error}") from error
    except OSError as error:
        raise BadRecords(f"cannot read the history {path}: {error.strerror}") from error
    history = History(records, truncated=truncated)
    if history.run is not None:
        check_schema(path, history.run.schema_version, SCHEMA_VERSION)
    return history


def _shared(kind: type[Record]) -> tuple[str, ...]:
    return tuple(name for name in kind.__struct_fields__ if name in _SHARED)


def check_schema(path: Path, found: int, newest: int) -> None:
    """Raise ``BadRecords`` unless a file's ``schema_version`` is one that this harness reads."""
    if found > newest:
        raise BadRecords(f"{path} was written by a newer harness (schema {found}; this one reads {newest})")
    if found < 1:
        raise BadRecords(f"{path} was written by no harness: expected a schema_version from 1 to {newest}, got {found}")


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the lines, empty ones too. Raises ``EOFError`` where the last one has no end."""
    begun: list[bytes] = []
    held = 0
    for piece in pieces:
        first, *lines = piece.split(b"\n")
        begun.append(first)
        held += len(first)
        if held > LONGEST_LINE:
            raise msgspec.DecodeError(f"it has more than {LONGEST_LINE} bytes")
        if lines:
            whole = (b"".join(begun), *lines[:-1])
            begun, held = [lines[-1]], len(lines[-1])
            yield from whole
    if held:
        raise EOFError


def _inflate(path: Path) -> Iterator[bytes]:
    """Yield the decompressed bytes in pieces; raises EOFError where the stream ends before its end mark."""
    inflate = zlib.decompressobj(31)  # gzip.open().read() would lose everything when the end mark is missing
    room = LARGEST
    with open_regular(path) as file:
        while data := file.read(PIECE):
            while data and not inflate.eof:
                piece = inflate.decompress(data, PIECE)
                data = inflate.unconsumed_tail
                room -= len(piece)
                if room < 0:
                    raise BadRecords(f"{path} is no history of a run: it inflates to more than {LARGEST} bytes")
                yield piece
    if not inflate.eof:
        raise EOFError
