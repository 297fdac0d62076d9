"""The reference that is made from the code: topics of ``harness help``, and two pages of the repository.

``python -m harness.commands.reference`` writes the pages anew.
"""

from collections.abc import Iterable
from pathlib import Path

import click

from harness.deeds.catalogue import Actor
from harness.errors import UsageError
from harness.judge.laws import LAWS
from harness.judge.obligations.rows import OWED
from harness.scenario import bundled, load
from harness.scenario import reference as language
from harness.scenario.place import nearest
from harness.scenario.reference import Entry

ROOT = Path(__file__).parents[2]
WIDTH = 100

DEEDS = "A deed said `for` a time ends by itself; a later one of its actor that replaces it has the last word."


def topic(name: str) -> str:
    """Return what ``harness help`` prints of a topic. Raises ``UsageError`` where there is none of the name."""
    if name not in TOPICS:
        raise UsageError(f"no topic is called {name!r}{nearest(name, TOPICS)}: expected one of {', '.join(TOPICS)}")
    match name:
        case "deeds":
            parts = [(str(actor), says, language.deeds_of(actor)) for actor, says in language.ACTORS.items()]
        case "settings":
            parts = [(part, language.SECTIONS[part], found) for part, found in language.SETTINGS.items()]
        case "metrics":
            parts = [("expect", language.STATISTIC, language.metrics())]
        case "rows":
            parts = [("What is owed", "", [Entry(row.called, "", says) for row, says in OWED.items()])]
        case _:
            parts = [("paths", "Each number has its source in harness/scenario/profiles.py.", language.profiles())]
    words = [Entry(token, "", says) for token, says in language.TOKENS.items()]
    parts += [("words in capitals", "", words)] if name in {"deeds", "settings"} else []
    return "\n".join(line for title, says, entries in parts for line in _listed(title, says, entries)).rstrip("\n")


TOPICS = {
    "deeds": "What a timeline can do, by actor",
    "settings": "What job, server, paths, device and client take",
    "metrics": "What `expect` can bound",
    "profiles": "Network situations, by name",
    "rows": "What a client owed, by the row that a failure names",
}


def _listed(title: str, says: str, entries: Iterable[Entry]) -> list[str]:
    lines = [click.wrap_text(f"{title}: {_plain(says)}" if says else title, WIDTH, "", "  ")]
    for entry in entries:
        lines.append(click.wrap_text(": ".join(filter(None, [entry.name, entry.forms])), WIDTH, "  ", "    "))
        lines.append(click.wrap_text(_plain(entry.says), WIDTH, "      ", "      "))
    return [*lines, ""]


def _plain(text: str) -> str:
    return text.replace("`", "")


def language_page() -> str:
    """Return ``scenarios/README.md``: the language, and the scenarios that ship."""
    parts = [_LANGUAGE_HEAD, _table(["section", ""], [[_code(name), says] for name, says in language.SECTIONS.items()])]
    parts.append("## Words in capitals\n")
    parts.append(_table(["word", ""], [[_code(name), says] for name, says in language.TOKENS.items()]))
    parts.append("## Settings\n")
    for section, found in language.SETTINGS.items():
        parts.append(f"### `{section}`\n\n{language.SECTIONS[section]}\n")
        parts.append(_entries(found))
    parts.append(f"## Deeds\n\nThe keys of a moment are actors, and the values what they do. {DEEDS}\n")
    for actor in Actor:
        parts.append(f"### {_code(actor) if actor is not Actor.PATH else 'A path'}\n\n{language.ACTORS[actor]}\n")
        parts.append(_table(["deed", ""], [[_code(deed.name), deed.says] for deed in language.deeds_of(actor)]))
    parts.append(f"## Metrics\n\nWhat `expect` bounds. {language.STATISTIC}\n")
    parts.append(_entries(language.metrics()))
    parts.append("## Profiles\n\nEach number has its source in `harness/scenario/profiles.py`.\n")
    parts.append(_table(["profile", ""], [[_code(each.name), each.says] for each in language.profiles()]))
    parts.append("## The scenarios that ship\n\nTheir mutants are the wrong clients that each has to catch.\n")
    parts.append(_table(["scenario", "title", "mutants"], list(_shipped())))
    return "\n".join(parts)


def _shipped() -> Iterable[list[str]]:
    for name, path in bundled().items():
        scenario = load(path)
        yield [f"[`{name}`]({path.name})", str(scenario.scenario), ", ".join(map(str, scenario.mutants))]


def laws_page() -> str:
    """Return ``harness/judge/README.md``: what is judged, from what, and how."""
    parts = [_LAWS_HEAD]
    for law in LAWS:
        broken = "".join(f"- {way}\n" for way in law.breaks)
        parts.append(f"### {law.code} `{law.word}`: {law.title}\n\n{law.says}\n\nHow clients break it:\n\n{broken}")
    parts.append(_ROWS_HEAD)
    parts.append(_table(["row", "", "what is owed"], [[str(row.value[0]), row.value[1], OWED[row]] for row in OWED]))
    return "\n".join(parts)


def _entries(entries: Iterable[Entry]) -> str:
    return _table(["", "takes", ""], [[_code(each.name), _code(each.forms), each.says] for each in entries])


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _code(text: str) -> str:
    """Return text as code inside a table, whose columns end with a bar."""
    return "`" + text.replace("|", "\\|") + "`"


_LANGUAGE_HEAD = """\
# Scenarios

This page is made from the code: `python -m harness.commands.reference` writes it, and a test holds it. `harness
help deeds`, `settings`, `metrics` and `profiles` print its parts; `harness schema` gives them to an editor.

A scenario is a document that runs. Its timeline is a score, when, who, what; and what the network does and what
the phone is told are two actors, since the bugs live in the interval between them.

```yaml
scenario: wifi to cellular, break before make
job: {lasts: 40s, items: 1600, updates: on change}
paths: {wifi: wifi, cellular: lte}
sweep: {gap: [500ms, 5s]}
timeline:
  20s:         {wifi: silent}               # no FIN, no RST: bytes just stop
  20.4s:       {device: loses wifi}         # the OS tells the app
  20.4s+$gap:  {device: joins cellular}
  30s..34s every 2s: {wifi: [up, closed once]}   # half open: at 30 s and 32 s; a list is done in its order
expect:
  recovery: under 5s
```

`harness init` writes a commented first file, `harness check FILE` tells every mistake at once, and `harness
explain FILE` shows what it compiles to. Every value is text, whatever YAML would make of it: `no` and `010` mean
their characters. No deed needs quotes. A run holds at most 500,000 events and 1 GiB, and a sweep at most 64
variants.

## The file
"""

_LAWS_HEAD = """\
# The judge

This page is made from the code: `python -m harness.commands.reference` writes it, and a test holds it. `harness
help LAW` prints a law.

The judge is a pure function of a plan and its history. It believes nobody: what a client says of itself explains a
failure, and never excuses one. It reads the records of the gate, of the client's process boundary, of the server
and of the app's callbacks.

| package | what is in it |
|---|---|
| `facts/` | what happened: lives of events, requests, dials and streams; the network; the screen |
| `obligations/` | what a client owed and when: the table of rows below, and the walk along a client's states by it |
| `measures/` | figures: latency, staleness, outages, counts, what `expect` bounds |
| `laws/` | the laws, one module each |
| `explain/` | the sentence of a failure, its cause, its advice, the headline |
| `verdict.py`, `judge.py` | the verdict as data; the laws in their order |

## The laws

H laws judge the harness: a run that fails one is *void*. L laws judge the client. A law is held, failed, unknown
(the plan supported a judgement and the run did not), not judged (with the reason) or waived.
"""

_ROWS_HEAD = """\
## The rows of what is owed

Recovery (L9), backoff (L8) and status (L10) are judged against what a correct client would have done with the
policies that this one declares. A row says from which state, by which event and within which window the next
request is due. What a client does not declare has no bound. A failure names the first row that was missed.
"""


def write_pages(root: Path = ROOT) -> None:
    """Write both pages."""
    (root / "scenarios" / "README.md").write_text(language_page(), encoding="utf-8")
    (root / "harness" / "judge" / "README.md").write_text(laws_page(), encoding="utf-8")


if __name__ == "__main__":
    write_pages()
