from pathlib import Path

import pytest

from harness.clients import mutants
from harness.clients.mutants import MUTANTS
from harness.errors import UsageError
from harness.fuzz.generate import invent
from harness.fuzz.recording import BEGIN, END, Found, record, recorded
from harness.fuzz.tasks import Hunted, Shrunk
from harness.fuzz.trial import TrialFailure
from harness.fuzz.worker import laws_of_mutant_alone

README = Path(mutants.__file__).parent / "README.md"
TABLE = recorded(README)


RARE = {"skips-id-blocks", "asks-once"}
"""None of the 550 likeliest plans up to seed 100,000 ends a connection between an id and the event right behind it.

Few plans refuse the status while a stream tells of a gap, and let that stream live on for as long as the cap.
"""


def test_the_table_says_of_every_mutant_which_seed_finds_it():
    assert sorted(found.mutant for found in TABLE) == sorted(set(MUTANTS) - RARE)


@pytest.mark.parametrize("found", TABLE, ids=lambda found: found.mutant)
def test_the_recorded_seed_still_convicts_the_mutant_and_not_the_reference(found):
    failures = laws_of_mutant_alone(invent(found.seed).plan(client=found.mutant))
    assert tuple(dict.fromkeys(failure.law for failure in failures)) == found.laws


def test_a_table_is_written_between_the_markers_and_read_back(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n", encoding="utf-8")
    example = Shrunk(seed=7, failure=TrialFailure(law="resume"), genotype=invent(7), before=3)
    hunted = [
        Hunted(mutant="forgets-last-id", seeds=7, seconds=0.4, seed=7, laws=("resume", "no-gap"), example=example),
        Hunted(mutant="commits-id-early", seeds=2_000, seconds=9.9),
    ]
    record(readme, hunted)
    assert recorded(readme) == [Found("forgets-last-id", ("resume", "no-gap"), 7)]
    text = readme.read_text(encoding="utf-8")
    record(readme, [Hunted(mutant="no-jitter", seeds=3, seconds=1.0, seed=3, laws=("backoff",), example=example)])
    assert [found.mutant for found in recorded(readme)] == ["forgets-last-id", "no-jitter"]
    assert (text[:7], text[-7:], "old" in text) == ("before\n", "\nafter\n", False)
    assert "| `commits-id-early` | not found | - | 2000 seeds, 9.9 s | - |" in text


def test_a_file_without_markers_is_refused(tmp_path):
    (tmp_path / "plain.md").write_text("nothing here\n", encoding="utf-8")
    with pytest.raises(UsageError, match="has no"):
        record(tmp_path / "plain.md", [])
