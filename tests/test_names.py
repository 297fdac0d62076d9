"""A class name means one thing in the whole project."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1] / "harness"


def homes(sources: dict[str, str]) -> dict[str, list[str]]:
    """Return each class name that several of these modules define, with the modules."""
    found = defaultdict(list)
    for name, source in sources.items():
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef):
                found[node.name].append(name)
    return {name: modules for name, modules in found.items() if len(modules) > 1}


def test_no_two_modules_define_a_class_of_one_name():
    assert homes({str(path.relative_to(ROOT)): path.read_text() for path in sorted(ROOT.rglob("*.py"))}) == {}


def test_a_second_class_of_a_name_is_found():
    assert homes({"a.py": "class Flow: ...", "b.py": "class Flow: ...", "c.py": ""}) == {"Flow": ["a.py", "b.py"]}
