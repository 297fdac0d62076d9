# ruff: noqa: T201 - it prints its table
"""Prints the table: ``python -m tests.run.sabotage [-a] [WORD …]``; only rows with one of these words in their names.

Each fault, the word of its run with each client, the law and the sentence; ``-a`` shows those that are in order too.
"""

import sys
import traceback
from collections import Counter

from tests.run.sabotage.plans import CLIENTS
from tests.run.sabotage.table import PARTS, UNTOUCHED, Found, Row, found


def _found(row: Row, client: str) -> Found:
    try:
        return found(row, client)
    except BaseException as error:  # noqa: BLE001 - a crash is a result like any other
        last = traceback.extract_tb(error.__traceback__)[-1]
        leaf: BaseException = error
        while isinstance(leaf, BaseExceptionGroup):
            leaf = leaf.exceptions[0]
        where = traceback.extract_tb(leaf.__traceback__)[-1]
        text = f"{type(leaf).__name__}: {leaf} at {where.filename.rsplit('/', 2)[-1]}:{where.lineno} ({last.lineno})"
        return Found(client, "crash", "", text, "crash")


def main(words: list[str]) -> None:
    clients = CLIENTS if "-1" not in words else CLIENTS[:1]
    everything = "-a" in words
    wanted = [word for word in words if not word.startswith("-")]
    totals: Counter[str] = Counter()
    for part, rows in PARTS.items():
        for row in rows:
            if wanted and not any(word in f"{part}: {row.name}" for word in wanted):
                continue
            each = [_found(row, client) for client in clients]
            bad = [one for one in each if one.wrong and (one.client == CLIENTS[0] or one.wrong != UNTOUCHED)]
            totals["void" if not bad else "not void"] += 1
            if not bad and not everything:
                continue
            first = bad[0] if bad else each[0]
            mark = "".join(
                {"void": "V", "pass": "p", "fail": "F", "unknown": "u", "crash": "C"}[one.word] for one in each
            )
            print(f"{mark:5}{part}: {row.name}  [{row.plan}]")
            print(f"       {first.law or '-'}: {first.sentence[:300]}")
            if bad:
                print(f"       !! {first.wrong} ({first.client}); wanted {row.law}")
    print(dict(totals))


if __name__ == "__main__":
    main(sys.argv[1:])
