"""The pages and topics that are made from the code."""

import re
from pathlib import Path

import msgspec
import pytest

from harness.commands import reference
from harness.errors import UsageError
from harness.judge.laws import LAWS
from harness.judge.obligations.rows import OWED, ObligationRow
from harness.scenario import bundled
from harness.scenario.clients import CLIENT, MUTANTS
from harness.scenario.expectations import METRICS
from harness.scenario.model import ClientSpec, DeviceSpec, JobSpec, ServerSpec
from harness.scenario.phrases import Setting
from harness.scenario.profiles import PROFILES
from harness.scenario.reference import DEEDS, SECTIONS, SETTINGS
from harness.scenario.settings import DEVICE, JOB, SERVER
from harness.sse.policy import REFERENCE

ROOT = Path(__file__).parents[2]
DEFAULTS = {
    "job": (JOB, JobSpec(lasts=1.0)),
    "server": (SERVER, ServerSpec()),
    "device": (DEVICE, DeviceSpec(starts_on="wifi")),
    "client": (CLIENT, msgspec.structs.replace(ClientSpec(), policies=REFERENCE)),
}
TOLD = [
    (section, key, setting, found.group(1).partition(";")[0])
    for section, (settings, _) in DEFAULTS.items()
    for key, setting in settings.items()
    if (found := re.search(r"Default: (.*)\.$", setting.says)) and "other" not in found.group(1)
]


@pytest.mark.parametrize(
    ("page", "made"),
    [("scenarios/README.md", reference.language_page), ("harness/judge/README.md", reference.laws_page)],
)
def test_a_page_is_what_the_code_says(page, made):
    assert (ROOT / page).read_text() == made(), "python -m harness.commands.reference writes it anew"


def test_pages_are_written_where_they_belong(tmp_path):
    for folder in ("scenarios", "harness/judge"):
        (tmp_path / folder).mkdir(parents=True)
    reference.write_pages(tmp_path)
    assert (tmp_path / "scenarios" / "README.md").read_text() == reference.language_page()


def test_the_language_page_has_every_word():
    page = reference.language_page().replace("\\|", "|")
    settings = [entry.name for entries in SETTINGS.values() for entry in entries]
    words = [*SECTIONS, *settings, *DEEDS, *METRICS, *PROFILES]
    assert [word for word in words if f"`{word}`" not in page] == []
    assert [name for name in bundled() if f"[`{name}`]({name}.yaml)" not in page] == []


def test_the_laws_page_has_every_law_and_every_row():
    page = reference.laws_page()
    assert [law.code for law in LAWS if f"### {law.code} `{law.word}`" not in page] == []
    assert [row for row in ObligationRow if f"| {row.value[0]} | {row.value[1]} | {OWED[row]} |" not in page] == []
    assert list(OWED) == list(ObligationRow)


def test_every_setting_says_what_it_takes_and_what_it_is_for():
    assert [entry for entries in SETTINGS.values() for entry in entries if not (entry.forms and entry.says)] == []


def filled(setting: Setting, text: str) -> dict[str, object]:
    return setting.parse(text)


@pytest.mark.parametrize(("section", "key", "setting", "told"), TOLD, ids=[f"{one[0]} {one[1]}" for one in TOLD])
def test_a_default_that_is_told_is_the_one_that_is_used(section, key, setting, told):
    if (section, key) == ("device", "starts on"):
        return  # the first of the file's paths
    spec = DEFAULTS[section][1]
    for field, value in filled(setting, told).items():
        used = getattr(spec, field) if hasattr(spec, field) else getattr(spec.policies, field)
        assert (key, value) == (key, used)


@pytest.mark.parametrize("name", reference.TOPICS)
def test_a_topic_fits_a_terminal(name):
    lines = reference.topic(name).splitlines()
    assert len(lines) > 20
    assert [line for line in lines if len(line) > reference.WIDTH] == []


def test_an_unknown_topic_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r'no topic is called \'deed\' \(did you mean "deeds"\?\)'):
        reference.topic("deed")


def test_no_setting_is_told_to_take_a_mutant_by_name():
    assert not any(mutant in CLIENT["like"].forms for mutant in MUTANTS)
