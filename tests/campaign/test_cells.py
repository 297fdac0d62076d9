"""Cells in their file: kept as long as nothing that made them has changed."""

import msgspec
import pytest

from harness.campaign import cells
from harness.campaign.cells import Cell, CellFile, Trial, key_of, void
from harness.errors import EnvironmentFault
from harness.scenario import Scenario, plans

PLAN = plans(Scenario(scenario="t", job={"lasts": "5s"}, paths={"wifi": "wifi"}), client="no-watchdog")[0]
TRIAL = Trial(key="1", plan=PLAN)
OTHER = Trial(key="2", plan=msgspec.structs.replace(PLAN, variant="long"))
ONE = Cell(key="1", scenario=PLAN.name, client="no-watchdog", word="fail", laws=("L9",))
TWO = msgspec.structs.replace(ONE, key="2", variant="long", word="pass", laws=())


def test_a_key_changes_with_the_seed_the_client_and_the_sources(monkeypatch):
    other_client = msgspec.structs.replace(PLAN, client=msgspec.structs.replace(PLAN.client, mutant=""))
    found = {key_of(PLAN), key_of(msgspec.structs.replace(PLAN, seed=8)), key_of(other_client)}
    assert key_of(PLAN) in found
    monkeypatch.setattr(cells, "sources_digest", lambda: b"other")
    assert len({*found, key_of(PLAN)}) == 4


def test_resuming_keeps_the_cells_whose_keys_are_asked_for_again(tmp_path):
    file = CellFile(tmp_path / "new" / "cells.jsonl")
    assert file.begin([TRIAL], resume=True) == []
    file.add(ONE)
    file.add(TWO)
    assert file.begin([TRIAL, OTHER], resume=True) == [ONE, TWO]
    assert file.begin([msgspec.structs.replace(TRIAL, key="3"), OTHER], resume=True) == [TWO]
    assert file.begin([TRIAL, OTHER], resume=False) == []
    assert file.begin([TRIAL, OTHER], resume=True) == []


def test_cells_of_what_is_not_asked_for_stay_in_the_file(tmp_path):
    file = CellFile(tmp_path / "cells.jsonl")
    file.add(ONE)
    file.add(TWO)
    assert file.begin([TRIAL], resume=False) == []
    assert file.begin([TRIAL, OTHER], resume=True) == [TWO]


def test_a_line_that_broke_off_is_no_cell(tmp_path):
    path = tmp_path / "cells.jsonl"
    file = CellFile(path)
    file.add(ONE)
    path.write_bytes(path.read_bytes() + b'{"key": "2", "scen')
    assert file.begin([TRIAL, OTHER], resume=True) == [ONE]
    file.add(TWO)
    assert file.begin([TRIAL, OTHER], resume=True) == [ONE, TWO]


def test_a_file_that_is_none_is_told(tmp_path):
    (tmp_path / "cells.jsonl").mkdir()
    with pytest.raises(EnvironmentFault, match=r"cannot read .*cells\.jsonl"):
        CellFile(tmp_path / "cells.jsonl").begin([], resume=True)
    with pytest.raises(EnvironmentFault, match=r"cannot write .*cells\.jsonl"):
        CellFile(tmp_path / "cells.jsonl").add(ONE)


def test_a_run_that_came_to_nothing_is_void_and_says_why():
    found = void(TRIAL, "no room")
    assert (found.key, found.word, found.sentence, found.client) == ("1", "void", "no room", "no-watchdog")
