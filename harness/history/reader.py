"""Reads a history back, also one whose writer was killed: every flushed line, nothing else."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from harness.errors import BadRecords
from harness.history.records import SCHEMA_VERSION, AnyRecord, End, Record, Run

R = TypeVar("R", bound=Record)


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
        """All records of one type, in order."""
        return self._by_type.get(kind, [])  # type: ignore[return-value]

    @property
    def run(self) -> Run | None:
        """The first record, or None in an empty history."""
        runs = self.all(Run)
        return runs[0] if runs else None

    @property
    def end(self) -> End | None:
        """How the run ended, or None when nobody could say."""
        ends = self.all(End)
        return ends[-1] if ends else None

    def seconds(self, t_ns: int) -> float:
        """Return the scenario time of a stamp."""
        return (t_ns - self.zero_ns) / 1e9


def read_history(path: Path) -> History:
    """Read ``history.jsonl.gz``. A cut tail is dropped and noted; anything else unreadable raises ``BadRecords``."""
    decoder = msgspec.json.Decoder(AnyRecord)
    records: list[Record] = []
    tail = b""
    truncated = False
    try:
        for piece in _inflate(path):
            *lines, tail = (tail + piece).split(b"\n")
            records.extend(decoder.decode(line) for line in lines if line)
    except EOFError:
        truncated = True
    except zlib.error as error:
        raise BadRecords(f"{path} is not a history: {error}") from error
    except msgspec.MsgspecError as error:
        raise BadRecords(f"{path}, record {len(records) + 1}: {error}") from error
    except OSError as error:
        raise BadRecords(f"cannot read the history {path}: {error.strerror}") from error
    history = History(records, truncated=truncated or bool(tail))
    if history.run is not None and history.run.schema_version > SCHEMA_VERSION:
        found = history.run.schema_version
        raise BadRecords(f"{path} was written by a newer harness (schema {found}; this one reads {SCHEMA_VERSION})")
    return history


def _inflate(path: Path) -> Iterator[bytes]:
    """Yield the decompressed bytes; raises EOFError where the stream ends before its end mark."""
    inflate = zlib.decompressobj(31)  # gzip.open().read() would lose everything when the end mark is missing
    with path.open("rb") as file:
        while data := file.read(1 << 16):
            yield inflate.decompress(data)
    if not inflate.eof:
        raise EOFError
