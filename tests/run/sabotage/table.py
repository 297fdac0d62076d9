"""The table of all faults, and what comes of each: the word of the run, the law that voids it, its sentence."""

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import pytest

from harness.history import History
from harness.judge.judge import judge, order
from harness.judge.verdict import Verdict, Word
from harness.run.rehearsal import rehearse
from harness.scenario.expectations import OF_HARNESS
from tests.run.sabotage import deeds, device, gate, journal, middle, proxy, server
from tests.run.sabotage.plans import CLIENTS, plan
from tests.run.sabotage.row import Row

PARTS = {
    "gate": gate.ROWS, "device": device.ROWS, "middle": middle.ROWS, "proxy": proxy.ROWS, "server": server.ROWS,
    "deeds": deeds.ROWS, "journal": journal.ROWS,
}  # fmt: skip
ROWS: tuple[Row, ...] = tuple(row for rows in PARTS.values() for row in rows)


UNTOUCHED = "nothing was planted: the run is the lawful one"


class Found(NamedTuple):
    """The result of a fault with one client. ``wrong``: why that is not enough; empty where it is."""

    client: str
    word: str
    law: str
    sentence: str
    wrong: str


@functools.cache
def lawful(name: str, client: str) -> History:
    """Return the history of a plan in which nothing is planted."""
    return rehearse(plan(name, client))


def history(row: Row, client: str) -> History:
    """Return the history of a plan in which the row's fault is planted."""
    if row.doctor is not None:
        return History(row.doctor(lawful(row.plan, client).records))
    assert row.plant is not None
    with pytest.MonkeyPatch.context() as patch:
        row.plant(patch)
        return rehearse(plan(row.plan, client))


def found(row: Row, client: str) -> Found:
    """Plant, run, judge."""
    told = history(row, client)
    verdict = judge(plan(row.plan, client), told)
    law, sentence = said(verdict)
    return Found(client, str(verdict.word), law, sentence, "".join(_wrong(row, client, told, verdict)))


def said(verdict: Verdict) -> tuple[str, str]:
    """Return the most fundamental law that failed, and the run's sentence."""
    failed = order(verdict.laws)
    return (failed[0].law if failed else ""), verdict.sentence


def _wrong(row: Row, client: str, told: History, verdict: Verdict) -> Iterator[str]:
    law, sentence = said(verdict)
    if _in_any_order(told) == _lawful_in_any_order(row.plan, client):
        yield UNTOUCHED
    elif verdict.word is not Word.VOID:
        blamed = " (the client is blamed)" if verdict.word is Word.FAIL and _blamed(row, client, verdict) else ""
        yield f"{verdict.word}, not void{blamed}"
    elif law not in OF_HARNESS:
        yield f"void, by no law of the harness but {law or 'a fault'}"
    elif law not in (*row.law.split("|"), "history-whole"):  # whatever contradicts itself is told first
        yield f"void by {law}, not {row.law}"
    elif not re.search(row.says, sentence, re.IGNORECASE):
        yield f"the part is not named: /{row.says}/"


def _in_any_order(history: History) -> list[bytes]:
    """Return what is told; tasks of one instant may take turns otherwise where a fault has met no client."""
    return sorted(msgspec.json.encode(msgspec.structs.replace(record, seq=0)) for record in history.records)


@functools.cache
def _lawful_in_any_order(name: str, client: str) -> list[bytes]:
    return _in_any_order(lawful(name, client))


@functools.cache
def _lawful_verdict(name: str, client: str) -> frozenset[str]:
    return frozenset(law.law for law in order(judge(plan(name, client), lawful(name, client)).laws))


def _blamed(row: Row, client: str, verdict: Verdict) -> bool:
    """Return whether a law fails that holds in the lawful run."""
    return bool({law.law for law in order(verdict.laws)} - _lawful_verdict(row.plan, client))


def results(row: Row) -> list[Found]:
    """Return what comes of a fault with the reference, and with one of the mutants that it touches: each in turn."""
    mutants = CLIENTS[1:]
    each = [found(row, client) for client in (CLIENTS[0], mutants[ROWS.index(row) % len(mutants)])]
    return [one for one in each if one.client == CLIENTS[0] or one.wrong != UNTOUCHED]
