"""Cells in their file: kept as long as nothing that made them has changed."""

import msgspec
import pytest

from harness.campaign import cells
from harness.campaign.campaign import Ran
from harness.campaign.cells import Cell, CellFile, cell_of, key_of
from harness.campaign.children import Ending
from harness.campaign.finish import Finished
from harness.errors import EnvironmentFault
from harness.scenario import Scenario, plans

PLAN = plans(Scenario(scenario="t", job={"lasts": "5s"}, paths={"wifi": "wifi"}), client="no-watchdog")[0]
ONE = Cell(key="1", scenario="cave", client="deaf", word="fail", laws=("L9",))
TWO = Cell(key="2", scenario="cave", client="late", word="pass")


def test_a_key_changes_with_the_seed_the_client_and_the_sources(monkeypatch):
    other_client = msgspec.structs.replace(PLAN, client=msgspec.structs.replace(PLAN.client, mutant=""))
    found = {key_of(PLAN), key_of(msgspec.structs.replace(PLAN, seed=8)), key_of(other_client)}
    assert key_of(PLAN) in found
    monkeypatch.setattr(cells, "sources_digest", lambda: b"other")
    assert len({*found, key_of(PLAN)}) == 4


def test_what_has_a_key_that_is_asked_for_is_kept_and_the_rest_is_forgotten(tmp_path):
    file = CellFile(tmp_path / "new" / "cells.jsonl")
    assert file.begin({"1"}) == []
    file.add(ONE)
    file.add(TWO)
    assert file.begin({"1", "3"}) == [ONE]
    assert file.begin({"1", "2"}) == [ONE]
    assert file.begin(()) == []


def test_a_line_that_broke_off_is_no_cell(tmp_path):
    path = tmp_path / "cells.jsonl"
    file = CellFile(path)
    file.begin(())
    file.add(ONE)
    path.write_bytes(path.read_bytes() + b'{"key": "2", "scen')
    assert file.begin({"1", "2"}) == [ONE]
    file.add(TWO)
    assert file.begin({"1", "2"}) == [ONE, TWO]


def test_a_file_that_is_none_is_told(tmp_path):
    (tmp_path / "cells.jsonl").mkdir()
    with pytest.raises(EnvironmentFault, match=r"cannot read .*cells\.jsonl"):
        CellFile(tmp_path / "cells.jsonl").begin(())
    with pytest.raises(EnvironmentFault, match=r"cannot write .*cells\.jsonl"):
        CellFile(tmp_path / "cells.jsonl").add(ONE)


def test_a_run_that_left_no_verdict_is_void_with_its_fault(tmp_path):
    ran = Ran(plan=PLAN, folder=tmp_path, ending=Ending(what="died"), finished=Finished(fault="no room"), took=1.0)
    found = cell_of(ran)
    assert (found.word, found.sentence, found.client, found.laws) == ("void", "no room", "no-watchdog", ())
