"""Each mutant in a small scenario of its own, run whole in virtual time: a law fails it, and not the reference."""

from pathlib import Path

import pytest

from harness.clients import mutants
from harness.clients.mutants import MUTANTS
from harness.judge.judge import judge
from harness.judge.verdict import LawState, Word
from harness.run.rehearsal import rehearse
from harness.scenario import bundled, load, plans

README = Path(mutants.__file__).with_name("README.md")
BRISK = "job: {lasts: 20s, updates: every 500ms}"
DENSE = "job: {lasts: 30s, updates: every 50ms}"
SPARSE = "job: {lasts: 60s, updates: every 150ms}"
QUIET = "job: {lasts: 50s, updates: every 45s}"
SLOW = "job: {lasts: 60s, updates: every 2s}"
MOVES = "{device: [joins cellular, prefers cellular]}"


def lines(*parts: str) -> str:
    return "\n".join(parts)


def brisk(*parts: str) -> str:
    return lines(BRISK, *parts)


def refused(answer: str) -> str:
    """Streams are answered so when the one there was is reset."""
    return brisk(f"timeline: {{5s: {{middle: {answer}}}, 5001ms: {{wifi: reset once}}}}")


RESET = brisk("timeline: {5s: {wifi: reset once}}")
GONE = brisk("timeline: {5s: {wifi: reset for 10s}}")
FLAPS = lines(QUIET, "timeline: {5s..12s every 1s: {wifi: reset once}}")
VARIED = brisk("timeline: {3s..18s every 2s: {wifi: reset once}}", "server: {frames: varied}", "seed: 1")
FORGETS = lines(
    "job: {lasts: 30s, updates: every 200ms}",
    "server: {replay: 8 events}",
    "timeline: {5s: {wifi: reset for 4s}}",
)
SKIPS = lines(
    "job: {lasts: 30s, updates: every 200ms}",
    "server: {replay: 8 events, expired cursor: reset event}",
    "timeline: {5s: {wifi: reset for 4s}, 6s: {middle: answers 503 to polls for 8s}}",
)
CUT = brisk("timeline: {5s: {wifi: closed mid data}}")
CROWDED = brisk("client: {handler takes: 2s, queue: 3 events}")

CAUGHT = {
    "no-watchdog": ("recovery", brisk(f"timeline: {{5s: {MOVES}, 8s: {{wifi: silent}}}}")),
    "events-only-watchdog": ("discreet", QUIET),
    "short-watchdog": ("discreet", brisk("timeline: {5s: {wifi: stalled for 8s}}")),
    "resets-backoff-on-connect": ("backoff", FLAPS),
    "forgets-last-id": ("resume", RESET),
    "forgets-id-after-empty": ("resume", FLAPS),
    "commits-id-early": ("no-gap", CUT),
    "dedupes-across-epochs": (
        "recovery",
        lines(
            "job: {lasts: 60s, updates: every 500ms}",
            "client: {backoff: 1s to 4s}",
            "timeline: {20s: {server: restarts losing log after 5s}}",
        ),
    ),
    "no-jitter": ("backoff", brisk("client: {backoff: 1s to 4s}", "timeline: {5s: {wifi: reset for 20s}}")),
    "waits-out-dial": (
        "recovery",
        brisk(f"timeline: {{5s: {{wifi: [unreachable, reset once]}}, 9s: {MOVES}}}"),
    ),
    "keeps-two-streams": ("one-stream", RESET),
    "parses-any-200": ("honest-status", refused("shows portal for 5s")),
    "never-falls-back": ("terminal-once", brisk("timeline: {0s: {middle: answers 403 to streams}}")),
    "never-returns": (
        "discreet",
        lines(
            SLOW,
            "client: {retry stream: every 6s, backoff: 1s to 4s}",
            "timeline: {0s: {middle: answers 403 to streams for 12s}}",
        ),
    ),
    "trusts-silent-200": ("terminal-once", lines(SLOW, "timeline: {0s: {middle: mutes streams}}")),
    "freezes-first-id": ("resume", brisk("timeline: {5s: {wifi: reset once}, 10s: {wifi: reset once}}")),
    "replays-history": ("no-duplicate", RESET),
    "glues-connections": ("no-duplicate", CUT),
    "dispatches-at-eof": ("no-duplicate", CUT),
    "one-event-late": ("prompt", SPARSE),
    "fills-buffer": ("prompt", DENSE),
    "splits-crlf": ("no-gap", brisk("timeline: {5s: {wifi: sliced to 1B for 2s}}", "server: {line ends: crlf}")),
    "withholds-cr": ("prompt", lines(SPARSE, "server: {line ends: cr}")),
    "decodes-chunks": ("no-duplicate", brisk("timeline: {1s: {wifi: sliced to 50B}}", "server: {payload: utf8}")),
    "splits-on-unicode": ("no-duplicate", brisk("server: {payload: hostile}")),
    "shows-phantoms": ("no-duplicate", QUIET),
    "drops-remainder": ("no-gap", brisk("timeline: {5s: {wifi: sliced to 50B for 2s}}")),
    "drops-blank-lines": ("prompt", DENSE),
    "misnumbers-bursts": ("no-gap", brisk("timeline: {5s: {wifi: reset for 3s}}")),
    "keeps-bom": ("no-gap", VARIED),
    "needs-space": ("no-gap", VARIED),
    "blanks-id": ("resume", VARIED),
    "dedupes-by-last-id": ("no-gap", VARIED),
    # The reset comes between the id before the first event and that event, slice by slice.
    "skips-id-blocks": (
        "resume",
        lines(
            brisk("server: {frames: varied}", "seed: 4"),
            "timeline: {0s: {wifi: sliced to 2B for 2s}, 600ms: {wifi: reset once}}",
        ),
    ),
    "loses-late-ids": ("resume", VARIED),
    "refuses-parameters": ("no-gap", VARIED),
    "ends-at-lf": ("no-gap", brisk("server: {line ends: mixed}")),
    "discards-cr": ("no-gap", brisk("server: {line ends: mixed}")),
    "ignores-retry": ("backoff", brisk("timeline: {5s: {wifi: reset once}}", "server: {retry: 5s}")),
    "ignores-retry-after": ("backoff", refused("answers 503 retry-after 5s to streams for 3s")),
    "never-backs-off": ("backoff", GONE),
    "never-stops": ("stop", refused("answers 404 to streams")),
    "loops-on-401": (
        "stop",
        brisk(
            "timeline: {5s: {middle: answers 401 to streams for 3s}, 5001ms: {wifi: reset once}}",
            "server: {token: lasts 30s}",
        ),
    ),
    "stops-at-5xx": ("discreet", refused("answers 503 to streams for 2s")),
    "gives-up": ("discreet", GONE),
    "stops-at-eof": ("discreet", brisk("timeline: {5s: {server: drains for 2s}}")),
    "dies-of-errors": ("discreet", RESET),
    "deaf-to-signals": ("recovery", brisk("timeline: {5s: {device: goes offline for 12s}}")),
    "limits-streams": ("discreet", brisk()),
    "drops-newest": ("terminal-once", brisk("client: {handler takes: 2s, queue: 4 events}")),
    "clears-queue": ("no-gap", CROWDED),
    "queues-one": ("no-gap", CROWDED),
    "queues-all": ("fresh", CROWDED),
    "serves-newest": ("no-gap", CROWDED),
    "merges-queue": ("no-gap", CROWDED),
    "reconnects-after-end": ("stop", brisk()),
    "fetches-results-twice": ("clean-exit", brisk()),
    "drops-every-second": ("no-gap", brisk()),
    "shows-newest-first": ("no-gap", brisk("timeline: {5s: {wifi: reset for 3s}}")),
    "drops-cr-lines": ("no-gap", brisk("server: {line ends: cr}")),
    "polls-for-replay": (
        "no-gap",
        lines("job: {lasts: 20s, updates: every 100ms}", "timeline: {5s: {wifi: reset once}}"),
    ),
    "asks-at-each-dial": ("no-gap", brisk("timeline: {5s: {wifi: reset for 3s}}")),
    "sits-on-connection": ("prompt", brisk()),
    "shows-late": ("prompt", lines("job: {lasts: 60s, updates: every 10s}")),
    "says-polling": ("backoff", GONE),
    "ignores-stream-retry-after": ("backoff", refused("answers 503 retry-after 9s to streams for 5s")),
    "ignores-poll-retry-after": (
        "backoff",
        brisk("timeline: {0s: {middle: [answers 403 to streams, answers 503 retry-after 8s to polls for 10s]}}"),
    ),
    "reads-only-seconds": ("backoff", refused("answers 503 retry-after 9s as date to streams for 5s")),
    "asks-six-tokens": ("backoff", lines(SLOW, "server: {token: lasts 10s}")),
    "reconnects-late": ("recovery", brisk("timeline: {5s: {wifi: reset once}}")),
    "one-row-late": ("backoff", lines(SLOW, "timeline: {5s: {wifi: refused for 20s}, 5001ms: {wifi: reset once}}")),
    "doubles-watchdog": ("backoff", brisk(f"timeline: {{5s: {MOVES}, 8s: {{wifi: silent}}}}")),
    "overstays-dial": ("backoff", brisk("timeline: {5s: {wifi: [unreachable for 40s, reset once]}}")),
    "waits-out-answer": ("backoff", brisk("timeline: {5s: {server: hangs for 50s}, 5001ms: {wifi: reset once}}")),
    "starts-late": ("backoff", RESET),
    "settles-late": ("backoff", SKIPS),
    "asks-once": ("backoff", lines(SKIPS, "client: {backoff: 1s to 4s}")),
    "keeps-refused-cursor": (
        "resume",
        FORGETS,
    ),
    "polls-beside-stream": ("one-stream", brisk()),
    "starts-twice": ("one-stream", brisk()),
    "denies-comments": ("honest-status", lines(QUIET, "timeline: {5s: {wifi: reset once}}")),
    "clings-to-connected": (
        "honest-status",
        brisk("client: {backoff: 4s to 8s}", "timeline: {5s: {wifi: closed once}}"),
    ),
    "closes-late": ("honest-status", brisk()),
    "cuts-at-join": ("discreet", brisk("timeline: {5s: {device: joins cellular}}")),
    "invents-gaps": ("discreet", RESET),
    "hides-gaps": (
        "discreet",
        FORGETS,
    ),
    "hides-snapshots": ("fresh", brisk("timeline: {0s: {middle: answers 403 to streams}}")),
    "ignores-polled-end": ("terminal-once", brisk("timeline: {0s: {middle: answers 403 to streams}}")),
    "cuts-results": ("clean-exit", brisk()),
    "fetches-results-thrice": ("clean-exit", brisk()),
    "fetches-results-late": ("clean-exit", brisk()),
    "fetches-results-early": ("clean-exit", brisk()),
    "leaves-sockets": ("clean-exit", brisk("timeline: {0s: {middle: answers 403 to streams}}")),
}


def states(path: Path, client: str) -> dict[str, LawState]:
    """The laws' states after the file's only run with this client."""
    (plan,) = plans(load(path), client=None if client == "reference" else client, world="virtual")
    return {one.law: one.state for one in judge(plan, rehearse(plan)).laws}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_law_fails_each_mutant_in_a_scenario_that_the_reference_masters(tmp_path, name):
    law, text = CAUGHT[name]
    path = tmp_path / "small.yaml"
    path.write_text(lines("scenario: small", "paths: {wifi: wifi, cellular: lte}", text))
    assert states(path, name)[law] is LawState.FAILED
    assert states(path, "reference")[law] is LawState.HELD


def test_an_id_that_is_committed_at_its_line_fails_by_what_was_asked_for_too(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(lines("scenario: small", "paths: {wifi: wifi, cellular: lte}", CUT))
    assert states(path, "commits-id-early")["resume"] is LawState.FAILED


WAITS = {
    "polls": (
        "ignores-retry-after",
        brisk("timeline: {0s: {middle: [answers 403 to streams, answers 503 retry-after 8s to polls for 10s]}}"),
    ),
    "results": (
        "ignores-retry-after",
        brisk("timeline: {19500ms: {middle: answers 503 retry-after 5s to results for 3s}}"),
    ),
    "retry beyond the cap": (
        "ignores-retry",
        brisk(
            "client: {backoff: 500ms to 2s}",
            "timeline: {5s: {server: sends retry 9000}, 8s: {wifi: closed for 200ms}}",
        ),
    ),
}


@pytest.mark.parametrize("name", ["sits-on-connection", "shows-late"])
def test_who_keeps_what_it_has_shows_what_is_no_longer_fresh(tmp_path, name):
    path = tmp_path / "small.yaml"
    path.write_text(lines("scenario: small", "paths: {wifi: wifi, cellular: lte}", CAUGHT[name][1]))
    assert states(path, name)["fresh"] is LawState.FAILED
    assert states(path, "reference")["fresh"] is LawState.HELD


@pytest.mark.parametrize("what", WAITS)
def test_who_waits_less_than_the_server_asked_for_fails_by_the_backoff_and_the_reference_does_not(tmp_path, what):
    name, text = WAITS[what]
    path = tmp_path / "small.yaml"
    path.write_text(lines("scenario: small", "paths: {wifi: wifi}", text))
    assert states(path, name)["backoff"] is LawState.FAILED
    assert {state for law, state in states(path, "reference").items()} <= {LawState.HELD, LawState.NOT_JUDGED}


@pytest.mark.parametrize(
    ("path", "name"),
    [pytest.param(path, name, id=f"{path.stem}-{name}") for path in bundled().values() for name in load(path).mutants],
)
def test_each_shipped_scenario_fails_the_mutants_it_names(path, name):
    found = plans(load(path), client=name, world="virtual")
    assert any(judge(plan, rehearse(plan)).word is Word.FAIL for plan in found)


def test_the_readme_has_a_row_for_each_mutant():
    table, _, _ = README.read_text().partition("<!-- fuzz: begin -->")
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        (f"`{name}`", one.stands_for, CAUGHT[name][0]) for name, one in MUTANTS.items()
    ]
