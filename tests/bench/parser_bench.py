"""The parser against its peers: ``python tests/bench/parser_bench.py [ROUNDS]``.

Every round runs all parsers on all workloads, one after the other in this process, so that a noisy neighbour slows all
of them. The figures are CPU time; a ratio is the median over the rounds of (ours / peer) within one round. Differences
under 15 % are noise. The peers are those of the optional dependency group ``bench``.
"""

import codecs
import itertools
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator

import sseclient
from httpx_sse._decoders import SSEDecoder, SSELineDecoder
from ld_eventsource.reader import _BufferedLineReader, _SSEReader

from harness.sse import Event, LineEnds, Parser, encode

Chunks = list[bytes]

SMALL = 6_000
LARGE = 60
READ = 65_536
SEGMENT = 1_400

# Peer, workload, the least ratio ours / peer.
BARS = [
    ("httpx-sse", "one per chunk", 2.2),
    ("launchdarkly", "one per chunk", 1.5),
    ("httpx-sse", "64 KiB reads", 3.4),
    ("launchdarkly", "1-7 B chunks", 1.0),
    ("launchdarkly", "mixed endings", 1.0),
    ("launchdarkly", "71 KB events", 1.0),
]


def ours(chunks: Iterable[bytes]) -> int:
    feed = Parser().feed
    count = 0
    for chunk in chunks:
        for item in feed(chunk):
            if type(item) is Event:
                count += 1
    return count


def httpx_sse(chunks: Iterable[bytes]) -> int:
    """As ``EventSource.iter_sse`` does, on httpx's text decoder, without httpx's own work."""
    text = codecs.getincrementaldecoder("utf-8")("replace")
    lines, events = SSELineDecoder(), SSEDecoder()
    count = 0
    for chunk in chunks:
        for line in lines.decode(text.decode(chunk)):
            if events.decode(line.rstrip("\n")) is not None:
                count += 1
    return count


class _Source:
    """The source that sseclient-py expects: iterable, and with a ``close``."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)

    def close(self) -> None:
        """Nothing is held."""


def sseclient_py(chunks: Iterable[bytes]) -> int:
    return sum(1 for _ in sseclient.SSEClient(_Source(chunks)).events())


def launchdarkly(chunks: Iterable[bytes]) -> int:
    return sum(1 for _ in _SSEReader(_BufferedLineReader.lines_from(chunks)).events_and_comments())


PARSERS: dict[str, Callable[[Iterable[bytes]], int]] = {
    "ours": ours,
    "httpx-sse": httpx_sse,
    "sseclient-py": sseclient_py,
    "launchdarkly": launchdarkly,
}


def small_events(line_end: LineEnds) -> list[bytes]:
    return [
        encode(
            "processing",
            f'{{"jobId":"job-1","status":"processing","progress":{at / SMALL:.4f},"processedCount":{at},'
            f'"totalCount":{SMALL},"message":"row {at} of {SMALL}"}}',
            f"e1-{at}",
            line_end=line_end,
        )
        for at in range(SMALL)
    ]


def cut(blob: bytes, sizes: Iterable[int]) -> Chunks:
    chunks, at = [], 0
    for size in sizes:
        if at >= len(blob):
            break
        chunks.append(blob[at : at + size])
        at += size
    return chunks


def workloads() -> dict[str, tuple[Chunks, int]]:
    """Return the chunks of each workload, and how many events are in them."""
    small = small_events(LineEnds.LF)
    rng = random.Random(1)
    tiny = (rng.randint(1, 7) for _ in itertools.count())
    large = b"".join(encode("processing", "x" * 71_000, f"e1-{at}") for at in range(LARGE))
    return {
        "one per chunk": (small, SMALL),
        "64 KiB reads": (cut(b"".join(small), itertools.repeat(READ)), SMALL),
        "1-7 B chunks": (cut(b"".join(small), tiny), SMALL),
        "mixed endings": (small_events(LineEnds.MIXED), SMALL),
        "71 KB events": (cut(large, itertools.repeat(SEGMENT)), LARGE),
    }


def measure(rounds: int) -> dict[tuple[str, str], list[float]]:
    """Return the CPU seconds of each (parser, workload), round by round."""
    taken: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for workload, (chunks, events) in workloads().items():
            for name, parse in PARSERS.items():
                start = time.process_time()
                count = parse(chunks)
                taken.setdefault((name, workload), []).append(time.process_time() - start)
                if count != events and (len(taken[name, workload]) == 1 or name == "ours"):
                    print(f"note: {name} counts {count} events instead of {events} in {workload!r}")
    return taken


def ratio(taken: dict[tuple[str, str], list[float]], peer: str, workload: str) -> float:
    return statistics.median(
        theirs / own for theirs, own in zip(taken[peer, workload], taken["ours", workload], strict=True)
    )


def main(rounds: int) -> bool:
    """Measure, print, and say whether every bar is met."""
    taken = measure(rounds)
    names = list(workloads())
    print(f"\nthousand events/s (last column MB/s), median of {rounds} rounds; in brackets: ours / peer\n")
    print(f"{'':14}" + "".join(f"{name:>18}" for name in names))
    for parser in PARSERS:
        cells = []
        for workload in names:
            seconds = statistics.median(taken[parser, workload])
            figure = LARGE * 71_040 / 1e6 / seconds if workload == "71 KB events" else SMALL / 1e3 / seconds
            beside = "" if parser == "ours" else f" ({ratio(taken, parser, workload):.2f})"
            cells.append(f"{figure:,.0f}{beside}".rjust(18))
        print(f"{parser:14}" + "".join(cells))
    print()
    met = True
    for peer, workload, least in BARS:
        got = ratio(taken, peer, workload)
        met = met and got >= least
        print(f"{'met    ' if got >= least else 'NOT MET'} {got:5.2f} x {peer}, {workload}; at least {least}")
    return met


if __name__ == "__main__":
    sys.exit(0 if main(int(sys.argv[1]) if len(sys.argv) > 1 else 9) else 1)
