import msgspec
import pytest

from harness.errors import ScenarioError
from harness.scenario import Project, find_project, load, plans
from harness.scenario.project import Defaults
from harness.sse.policy import AS_SHIPPED, REFERENCE

DEFAULTS = "jobs, seed, toxiproxy, out, timeout"
TOML = """
[defaults]
jobs = 2
seed = 11
toxiproxy = "embedded"
out = "build/results"
timeout = "2m"

[clients.ios]
like = "as-shipped"
watchdog = "30s"
"queue" = "8 events"

[clients.ios-next]
like = "ios"
"connect timeout" = "5s"

[clients.clinging]
like = "keeps-two-streams"
"""


@pytest.fixture
def project(tmp_path):
    """Write a ``harness.toml``, and find it from a folder below."""

    def project(text):
        (tmp_path / "harness.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        below = tmp_path / "a" / "b"
        below.mkdir(parents=True, exist_ok=True)
        return find_project(below)

    return project


@pytest.fixture
def complaints(project, tmp_path):
    """Return what is wrong in a file of this text."""

    def complaints(text):
        with pytest.raises(ScenarioError) as error:
            project(text)
        assert {found.file for found in error.value.problems} == {str(tmp_path / "harness.toml")}
        return [found.message for found in error.value.problems]

    return complaints


def test_without_a_file_there_is_no_project(tmp_path):
    assert find_project(tmp_path) is None


def test_the_nearest_file_above_is_the_project(project, tmp_path):
    found = project(TOML)
    assert found.file == tmp_path / "harness.toml"
    assert found.defaults == Defaults(jobs=2, seed=11, toxiproxy="embedded", out="build/results", timeout=120.0)
    (tmp_path / "a" / "harness.toml").write_text("[defaults]\nseed = 12\n")
    assert find_project(tmp_path / "a" / "b").defaults.seed == 12


def test_an_empty_file_is_a_project_without_a_word(project):
    assert project("")[1:] == Project()[1:]


def test_clients_are_built_on_presets_mutants_and_each_other(project):
    clients = project(TOML).clients
    ios = msgspec.structs.replace(AS_SHIPPED, watchdog=30.0, queue=8)
    assert clients["ios"].policies == ios
    assert clients["ios-next"].policies == msgspec.structs.replace(ios, connect_timeout=5.0)
    assert (clients["clinging"].mutant, clients["clinging"].policies) == ("keeps-two-streams", REFERENCE)


def test_plans_know_the_projects_clients(project, write):
    found = project(TOML)
    path = write("scenario: x\njob: {lasts: 5s}\npaths: {wifi: wifi}\nclient: {like: ios, watchdog: 9s}\n")
    scenario = load(path, project=found)
    assert plans(scenario, project=found)[0].client.policies.watchdog == 9.0
    asked = plans(scenario, project=found, client="ios-next")[0].client
    assert (asked.like, asked.policies.connect_timeout, asked.policies.watchdog) == ("ios-next", 5.0, 30.0)
    with pytest.raises(ScenarioError, match='unknown client "ios"'):
        load(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[defaults\n", "this is no TOML: Expected ']' at the end of a table declaration"),
        ("seed = 1\n", "seed: unknown table: expected [defaults] or [clients.NAME]"),
        ("client = 1\n", 'client: unknown table (did you mean "clients"?): expected [defaults] or [clients.NAME]'),
        ("defaults = 1\n", 'defaults: expected a table, got "1"'),
        ("[defaults]\njob = 1\n", 'defaults.job: unknown default (did you mean "jobs"?): expected ' + DEFAULTS),
        ("[defaults]\njobs = 0\n", 'defaults.jobs: expected a whole number from 1 to 64, got "0"'),
        ("[defaults]\njobs = true\n", 'defaults.jobs: expected a whole number from 1 to 64, got "True"'),
        ("[defaults]\nout = 5\n", 'defaults.out: expected a text in quotes, such as "auto", got "5"'),
        ("[defaults]\ntimeout = '0s'\n", 'defaults.timeout: expected more than zero, got "0s"'),
        ("[clients.reference]\n", 'clients.reference: "reference" is taken: expected a name of your own'),
        ("[clients.attach]\n", 'clients.attach: "attach" is taken: expected a name of your own'),
        ("[clients.'a b']\n", "clients.a b: expected a name of letters, digits, _ and -, at most 40"),
        ("[clients]\nios = 5\n", 'clients.ios: expected a table such as [clients.ios], got "5"'),
        ("[clients.ios]\ncommand = ['app']\n", 'clients.ios command: "command" is not built yet'),
        ("[clients.ios]\nurl = 'x'\n", 'clients.ios url: "url" is not built yet'),
        ("[clients.ios]\ncount = '5'\n", 'clients.ios count: "count" belongs in a scenario'),
        ("[clients.ios]\nwatchdgo = '5s'\n", 'clients.ios watchdgo: unknown setting (did you mean "watchdog"?)'),
        ("[clients.ios]\nwatchdog = 5\n", 'clients.ios watchdog: expected a text in quotes, such as "auto", got "5"'),
        ("[clients.ios]\nwatchdog = '0s'\n", 'clients.ios watchdog: expected more than zero, got "0s", or "never"'),
        (b"\xff", "expected UTF-8 text, got byte 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_it_is_said(complaints, text, complaint):
    assert complaints(text) == [complaint]


def test_a_mistake_of_the_syntax_has_its_place(project):
    with pytest.raises(ScenarioError, match=r"harness\.toml:1:10: error: this is no TOML"):
        project("[defaults\n")


def test_all_mistakes_are_told_at_once(complaints):
    assert len(complaints("[defaults]\njobs = 0\nseed = -1\n[clients.x]\nlike = 'y'\nqueue = '1'\n")) == 4


def test_nothing_makes_its_reading_fall_over(complaints):
    assert complaints("a = " + "[" * 5000) == ["this is no TOML: too many levels of brackets"]
    assert complaints("#" * 100_001) == ["cannot be read: it has more than 100000 bytes"]
