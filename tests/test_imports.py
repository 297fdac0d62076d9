"""Imports follow the order of packages in harness/README.md: no package imports one that stands below it in ``ORDER``.

Only the outer packages may do I/O, read a clock or draw by chance: the tests below list who may import what.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "harness"
ORDER = [
    ["escaping", "errors", "exits", "extras", "units", "chance"],
    ["console", "files", "trouble", "clock", "vocabulary", "seams"],
    ["sse"],
    ["device", "toxics"],
    ["deeds"],
    ["history"],
    ["scenario"],
    ["judge"],
    ["compare"],
    ["network", "toxiproxy", "middle"],
    ["jobserver", "clients"],
    ["world"],
    ["run"],
    ["report"],
    ["campaign", "fuzz"],
    ["api", "commands"],
    ["pytest_plugin"],
    ["cli", "__main__"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
JUDGE_ORDER = [
    ["phrases", "percentiles", "verdict"],
    ["case", "facts"],
    ["obligations"],
    ["measures"],
    ["explain"],
    ["laws"],
    ["expectations", "judge"],
]
"""The judge's own rooms: a case and the facts of its records, what was owed, what it amounts to, why, and the laws."""
JUDGE_RANK = {name: rank for rank, names in enumerate(JUDGE_ORDER) for name in names}
MODULES = sorted(ROOT.rglob("*.py"))
SHARED = (
    "sse",
    "device",
    "toxics",
    "deeds",
    "judge",
    "compare",
    "scenario",
    "middle",
    "jobserver",
    "clients",
    "network",
)


def package(path: Path) -> str:
    part = path.relative_to(ROOT).parts[0]
    return part.removesuffix(".py")


def imported(tree: ast.AST) -> list[tuple[int, str]]:
    """Line and dotted name of every import, wherever it stands."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.append((node.lineno, node.module))
            found.extend((node.lineno, f"{node.module}.{name.name}") for name in node.names)
        elif isinstance(node, ast.Import):
            found.extend((node.lineno, name.name) for name in node.names)
    return found


def upward(path: Path, source: str) -> list[str]:
    """Every import of ``source``, as the module at ``path``, that points down the list."""
    mine = RANK[package(path)]
    wrong = []
    for line, name in imported(ast.parse(source)):
        parts = name.split(".")
        if parts[0] == "harness" and len(parts) > 1 and parts[1] in RANK and RANK[parts[1]] > mine:
            wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    return wrong


def upward_in_judge(path: Path, source: str) -> list[str]:
    """Every import of ``source``, as the module of the judge at ``path``, that points down the judge's own list."""
    mine = JUDGE_RANK[path.relative_to(ROOT / "judge").parts[0].removesuffix(".py")]
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for line, name in imported(ast.parse(source))
        if name.startswith("harness.judge.") and JUDGE_RANK.get(name.split(".")[2], -1) > mine
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_up_the_list(path):
    if path == ROOT / "__init__.py":
        return
    assert upward(path, path.read_text()) == []


def test_every_package_has_its_place_in_the_list():
    assert {package(path) for path in MODULES} - {"__init__"} - set(RANK) == set()


def test_an_import_that_points_down_is_found():
    planted = "def late():\n    from harness.judge import verdict\n"
    assert upward(ROOT / "sse" / "parser.py", planted) == ["sse/parser.py:2 imports harness.judge"] * 1 + [
        "sse/parser.py:2 imports harness.judge.verdict"
    ]


JUDGE_MODULES = [path for path in MODULES if package(path) == "judge" and path != ROOT / "judge" / "__init__.py"]


@pytest.mark.parametrize("path", JUDGE_MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_up_the_judges_list(path):
    assert upward_in_judge(path, path.read_text()) == []


def test_a_fact_that_imports_a_law_is_found():
    planted = "from harness.judge import verdict, laws\n"
    assert upward_in_judge(ROOT / "judge" / "facts" / "lives.py", planted) == [
        "judge/facts/lives.py:1 imports harness.judge.laws"
    ]


def circles(sources: dict[str, str]) -> list[str]:
    """Every module that imports another which, over however many, imports it: for its types alone, too."""
    direct = {
        name: {to for _, to in imported(ast.parse(source)) if to in sources and to != name}
        for name, source in sources.items()
    }
    found = []
    for name in sources:
        reached, waiting = set(), [name]
        while waiting:
            new = direct[waiting.pop()] - reached
            reached |= new
            waiting.extend(new)
        found += [name] * (name in reached)
    return found


@pytest.mark.parametrize("name", sorted({package(path) for path in MODULES if path.parent != ROOT} - {"judge"}))
def test_no_two_modules_of_a_package_need_each_other(name):
    paths = {
        path: ".".join(path.relative_to(ROOT.parent).with_suffix("").parts) for path in (ROOT / name).rglob("*.py")
    }
    assert circles({dotted: path.read_text() for path, dotted in paths.items() if path.stem != "__init__"}) == []


def test_a_circle_is_found():
    planted = {
        "a": "if TYPE_CHECKING:\n    from b import B\n",
        "b": "from c import C\n",
        "c": "import a\n",
        "d": "import a\n",
    }
    assert circles(planted) == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["sse", "device", "toxics", "deeds", "scenario", "judge", "compare"])
def test_pure_packages_import_no_clock_and_no_network(name):
    forbidden = {"time", "socket", "trio", "httpx", "httpcore", "requests", "datetime.now"}
    found = [
        f"{path.name}:{line} {module}"
        for path in sorted((ROOT / name).rglob("*.py"))
        for line, module in imported(ast.parse(path.read_text()))
        if module.split(".")[0] in forbidden
    ]
    assert found == []


KERNELS = {f"network/{name}.py" for name in ("real", "streams", "forwarding", "kernel")} | {"clients/machine.py"}
"""The real world's own modules inside packages that both worlds share."""
LEAVING = {
    "to_thread",
    "from_thread",
    "open_process",
    "run_process",
    "open_tcp_stream",
    "socket",
    "threading",
    "subprocess",
}


def leaving(source: str) -> list[str]:
    """Every use of a thread, a process or a kernel's socket: virtual time would fly past it."""
    tree = ast.parse(source)
    uses = [(node.lineno, node.attr) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    uses += [
        (line, part) for line, name in imported(tree) for part in name.split(".") if not name.startswith("harness")
    ]
    return [f"{line} {name}" for line, name in sorted(uses) if name in LEAVING]


@pytest.mark.parametrize("name", [*SHARED, "history"])
def test_what_both_worlds_share_leaves_the_trio_run_nowhere(name):
    paths = [path for path in sorted((ROOT / name).rglob("*.py")) if str(path.relative_to(ROOT)) not in KERNELS]
    assert {str(path): found for path in paths if (found := leaving(path.read_text()))} == {}


def test_a_thread_in_a_shared_package_is_found():
    assert leaving("import trio\nasync def wait():\n    await trio.to_thread.run_sync(print)\n") == ["3 to_thread"]


CLAIMS = ("Absorbed", "Adopted", "Attempt", "AttemptEnd", "Block", "Gap", "Results")
"""Records of what a client says of itself. Its status word is none: a person is shown it, and a law judges it."""

READS_CLAIMS = {"judge/explain/causes.py", "judge/laws/whole/client.py"}
"""One explains a failure that facts have shown, and says whose word it is; the other numbers the records themselves."""


def claims_read(source: str) -> list[str]:
    """Every import of a claim's record from the history."""
    names = {f"harness.history.{claim}" for claim in CLAIMS} | {f"harness.history.records.{claim}" for claim in CLAIMS}
    return [f"{line} {name}" for line, name in imported(ast.parse(source)) if name in names]


def test_the_judge_believes_no_client():
    found = {
        str(path.relative_to(ROOT)): claims_read(path.read_text())
        for path in sorted((ROOT / "judge").rglob("*.py"))
        if str(path.relative_to(ROOT)) not in READS_CLAIMS
    }
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_a_claim_that_is_read_is_found():
    assert claims_read("from harness.history import Absorbed, Emit\n") == ["1 harness.history.Absorbed"]
