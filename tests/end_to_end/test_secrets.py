"""Secrets over a whole run: no token that was given out, and none that a user wrote down, is in what a run leaves."""

import gzip

import pytest

from harness.history import Request, read_history

from .command import harness, latest, verdicts

EXPIRING = """\
scenario: tokens that run out
about: >
  Reproduces what ann saw with Authorization: Bearer PLANTED-bearer-1 on https://ann:PL@NTED-2@example.org/a?sig=PLANTED-3
job: {lasts: 3s, updates: every 50ms}
server: {token: lasts 1s}      # where it really runs: api_key=PLANTED-4
paths: {wifi: wifi}
client: {like: ours}
timeline:
  0.5s: {wifi: reset once}
  1.2s: {server: sends retry token=PLANTED-5}
  1.5s: {server: revokes token}
waive:
  prompt: the machine with password=PLANTED-6 is slow
expect:
  token refreshes: 0
"""
PROJECT = """\
# secret = "PLANTED-7"
[clients.ours]
like = "reference"
watchdog = "20s"
"""
NOTING = """\
import os, sys

if "harness.run.child" in " ".join(sys.orig_argv):
    from harness.jobserver.tokens import Tokens

    issue = Tokens.issue

    def noting(self, now):
        token = issue(self, now)
        with open(os.environ["ISSUED"], "a") as file:
            file.write(token + "\\n")
        print(f"DEBUG request headers: Authorization: Bearer {token}", file=sys.stderr)
        return token

    Tokens.issue = noting
"""
"""Put into the run's own process by its environment: writes each token down beside the results, and into the log."""

ENOUGH = 12  # signs of a token, or 48 bits: a leak that was cut short is one too


def holding(root, secrets):
    """Every file below a folder that holds one of these, in its name or its bytes, with the secret."""
    found = []
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        data = path.read_bytes()
        data = str(path).encode() + (gzip.decompress(data) if path.suffix == ".gz" else data)
        found += [(path.name, secret) for secret in secrets if secret.encode() in data]
    return found


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A run whose tokens run out and are revoked: where its results lie, what it said, and the tokens it gave out."""
    folder = tmp_path_factory.mktemp("ended")
    home, issued = folder / "home", folder / "issued"
    home.mkdir()
    (home / "walk.yaml").write_text(EXPIRING)
    (home / "harness.toml").write_text(PROJECT)
    (folder / "sitecustomize.py").write_text(NOTING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        patch.setenv("ISSUED", str(issued))
        patch.setenv("OUR_API_TOKEN", "PLANTED-8")
        patch.setenv("GITHUB_STEP_SUMMARY", str(home / "results" / "step.md"))
        done = harness(
            "run",
            "walk.yaml",
            "--toxiproxy",
            "embedded",
            "-vv",
            "--figures",
            "all",
            "--junit",
            "results/ours.xml",
            cwd=home,
        )
    return home, done, issued.read_text().split()


@pytest.mark.slow
def test_the_run_gave_out_tokens_used_them_and_told_of_them(ended):
    home, done, tokens = ended
    assert done.returncode == 1, done.stdout + done.stderr  # the planted expectation; its evidence is told
    assert len(set(tokens)) >= 3
    (path,) = (home / "results").glob("2*/*/*/history.jsonl.gz")
    requests = [record for record in read_history(path).records if isinstance(record, Request)]
    assert sum(request.what == "token" for request in requests) == len(tokens)
    assert sum(request.token for request in requests) >= 3
    assert "token refreshes" in done.stdout
    ((_, laws),) = verdicts(home).values()
    assert laws["discreet"] == "held"


@pytest.mark.slow
def test_no_file_of_the_results_holds_a_token_that_was_in_use(ended):
    home, _, tokens = ended
    names = {path.name for path in latest(home).rglob("*")}
    assert names >= {"plan.json", "verdict.json", "history.jsonl.gz", "harness.log", "report.html", "report.md"}
    assert holding(home / "results", [token[:ENOUGH] for token in tokens]) == []


@pytest.mark.slow
def test_no_file_of_the_results_holds_a_secret_of_the_user_s_own_files_or_environment(ended):
    home, _, _ = ended
    assert holding(home / "results", ["PLANTED", "NTED-2"]) == []


@pytest.mark.slow
def test_neither_standard_stream_holds_a_secret(ended):
    _, done, tokens = ended
    said = done.stdout + done.stderr
    assert [secret for secret in ["PLANTED", "NTED-2", *(token[:ENOUGH] for token in tokens)] if secret in said] == []


@pytest.mark.slow
def test_what_a_library_said_of_a_token_is_kept_without_it(ended):
    home, _, tokens = ended
    (log,) = latest(home).glob("*/*/harness.log")
    assert log.read_text() == "DEBUG request headers: Authorization: [redacted]\n" * len(tokens)


@pytest.mark.parametrize("name", ["history.jsonl.gz", "report.html", "strip.svg"])
def test_the_search_finds_a_token_in_every_kind_of_file(tmp_path, name):
    text = b"<p>Bearer 0123456789abcdef</p>"
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    assert holding(tmp_path, ["0123456789ab", "ba9876543210"]) == [(name, "0123456789ab")]


def test_the_search_finds_a_token_in_a_name(tmp_path):
    (tmp_path / "token=0123456789ab").mkdir()
    (tmp_path / "token=0123456789ab" / "plan.json").write_text("{}")
    assert holding(tmp_path, ["0123456789ab"]) == [("plan.json", "0123456789ab")]


@pytest.mark.parametrize(
    ("toxiproxy", "code"),
    [
        ("http://ann:PLANTED@127.0.0.1:1", 2),
        ("http://ann:PL@NTED@PLANTED@127.0.0.1:1", 2),
        ("https://127.0.0.1:1/?token=PLANTED", 2),
        ("http://127.0.0.1:1/api/PLANTED", 2),
        ("http://ann:PLANTED", 2),
    ],
)
@pytest.mark.slow
def test_a_toxiproxy_url_that_is_refused_is_repeated_nowhere(tmp_path, toxiproxy, code):
    (tmp_path / "walk.yaml").write_text("scenario: x\njob: {lasts: 1s}\npaths: {wifi: wifi}\n")
    (tmp_path / "harness.toml").write_text(f'[defaults]\ntoxiproxy = "{toxiproxy}"\n')
    done = harness("run", "walk.yaml", cwd=tmp_path)
    assert done.returncode == code
    assert "NTED" not in done.stdout + done.stderr
    assert holding(tmp_path / "results", ["NTED"]) == []


def test_a_token_that_stands_where_its_life_belongs_is_not_repeated(tmp_path):
    text = "scenario: x\njob: {lasts: 1s}\npaths: {wifi: wifi}\nserver: {token: PLANTED}\n"
    (tmp_path / "walk.yaml").write_text(text)
    done = harness("run", "walk.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        'walk.yaml:4:17: error: server token: expected "none" or "lasts DURATION", such as "lasts 30s", '
        "got something else, not repeated here: it may be a secret\n"
    )
