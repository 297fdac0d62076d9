"""The commands where no extra is installed, and the packages that a client's author needs where hardly anything is."""

import pytest

from harness.cli import COMMANDS as LISTED
from tests import environments

QUICK = "scenario: quick\njob: {lasts: 500ms, updates: every 50ms}\npaths: {wifi: wifi}\n"
WRITTEN = {"handoff", "junit.xml", "manifest.json", "report.md", "summary.json"}
INSTALL = "pip install 'harness[report]'"

COMMANDS = {  # name: (arguments, exit code, what it says)
    "run": (["run", "quick.yaml", "--toxiproxy", "embedded"], 0, f"        pictures and page: {INSTALL}\n"),
    "check": (["check", "handoff"], 0, "good, 2 variants"),
    "explain": (["explain", "handoff"], 0, "TIMELINE"),
    "judge": (["judge", "short"], 0, f"report.md\n        pictures and page: {INSTALL}\n"),
    "report": (["report", "short"], 0, f"report.md\n        pictures and page: {INSTALL}\n"),
    "merge": (["merge", "short"], 0, f"report.md\n        pictures and page: {INSTALL}\n"),
    "fuzz": (["fuzz", "--seeds", "1"], 3, "harness fuzz needs hypothesis: pip install 'harness[fuzz]'"),
    "mutants": (["mutants", "no-jitter", "quick.yaml"], 1, "no scenario fails no-jitter"),
    "schema": (["schema"], 0, '"$schema"'),
    "init": (["init", "new.yaml"], 0, "new.yaml: change it"),
    "list": (["list"], 0, "handoff"),
    "help": (["help", "L9"], 0, "How clients break it"),
    "serve": (["serve", "--listen", "nowhere"], 2, "nowhere"),
    "toxiproxy": (["toxiproxy", "--listen", "nowhere"], 2, "nowhere"),
    "doctor": (["doctor"], 0, f"✓ extra report      not installed; pictures and page: {INSTALL}"),
}


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """Python where ``pip install harness`` put what it brings."""
    return environments.make(tmp_path_factory.mktemp("light"), environments.light())


@pytest.fixture(scope="module")
def folder(light, tmp_path_factory):
    """Where a short run was made."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "quick.yaml").write_text(QUICK)
    made = environments.harness(light, "run", "quick.yaml", "--world", "virtual", "--out", "short", cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder


def test_a_light_installation_gives_a_verdict_its_files_and_one_sentence_of_what_is_left_out(light, tmp_path):
    said = environments.harness(light, "run", "handoff", "--world", "virtual", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    verdict, report, sentence = said.stdout.splitlines()[-3:]
    assert verdict.startswith("PASS  1 scenario, 2 variants")
    assert (report, sentence) == ("report  results/latest/report.md", f"        pictures and page: {INSTALL}")
    results = tmp_path / "results" / "latest"
    assert {path.name for path in results.iterdir()} == WRITTEN
    assert not [path for path in results.rglob("*") if path.suffix in {".svg", ".png", ".html"}]
    assert (results / "report.md").read_text().endswith(f"\nPictures and page: `{INSTALL}`\n")


@pytest.mark.parametrize("name", sorted(LISTED))
def test_every_command_does_its_work_or_says_what_to_install(light, folder, name):
    arguments, code, words = COMMANDS[name]
    said = environments.harness(light, *arguments, cwd=folder)
    codes = {code, 3} if name == "doctor" else {code}  # a busy machine is told as well
    assert said.returncode in codes, said.stdout + said.stderr
    assert words in said.stdout + said.stderr
    assert "Traceback" not in said.stderr


def test_a_page_that_may_show_another_verdict_does_not_stay(light, folder):
    page = folder / "short" / "latest" / "report.html"
    page.write_text("an older verdict")
    said = environments.harness(light, "judge", "short", "-q", cwd=folder)
    assert said.stdout.splitlines()[1:] == ["report  short/latest/report.md"]
    assert not page.exists()


def test_a_result_in_python_has_its_verdict_and_says_what_its_figures_need(light, folder):
    script = "import harness\nresult = harness.run_scenario('quick.yaml', world='virtual')[0]\n"
    script += "print(result.verdict, result.report('alone').name, len(result._repr_html_()) > 100)\nresult.figure()\n"
    said = environments.run(light, "-c", script, cwd=folder)
    assert said.stdout == "pass report.md True\n"
    assert said.stderr.endswith(f"EnvironmentFault: a figure needs matplotlib and jinja2: {INSTALL}\n")


def test_a_client_s_author_needs_httpx_msgspec_and_trio_alone(tmp_path):
    python = environments.make(tmp_path / "bare", ["httpx", "msgspec", "trio"])
    loaded = environments.imported(python, "harness.sse", "harness.clients", cwd=tmp_path)
    assert "harness.clients.client" in loaded
    (tmp_path / "use.py").write_text(
        "import harness.clients, trio\n"
        "async def main():\n"
        "    async with harness.clients.SSEClient('http://127.0.0.1:9') as client:\n"
        "        with trio.move_on_after(0.1):\n"
        "            await client.start()\n"
        "trio.run(main)\n"
    )
    said = environments.run(python, "use.py", cwd=tmp_path)
    assert (said.returncode, said.stderr) == (0, "")


def test_the_protocol_needs_msgspec_alone(tmp_path):
    python = environments.make(tmp_path / "bare", ["msgspec"])
    assert "harness.sse.parser" in environments.imported(python, "harness.sse", cwd=tmp_path)
