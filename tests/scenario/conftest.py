import itertools

import pytest

from harness.errors import ScenarioError
from harness.scenario import load, plans

HEAD = "scenario: a test\njob: {lasts: 60s}\npaths: {wifi: wifi, cellular: lte}\n"


@pytest.fixture(scope="session")
def write(tmp_path_factory):
    """Write a file of a scenario, and return its path."""
    folder = tmp_path_factory.mktemp("scenarios")
    numbers = itertools.count()

    def write(content):
        path = folder / f"s{next(numbers)}.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture(scope="session")
def problems(write):
    """Return what a file's loading complains about: ``line:column: message`` each."""

    def problems(content):
        with pytest.raises(ScenarioError) as error:
            load(write(content), shown_as="s.yaml")
        return [f"{found.line}:{found.column}: {found.message}" for found in error.value.problems]

    return problems


@pytest.fixture(scope="session")
def problem(problems):
    """Return the one complaint about a file that begins with three good lines, of which some lines follow."""

    def problem(rest):
        found = problems(HEAD + rest)
        assert len(found) == 1, found
        return found[0]

    return problem


@pytest.fixture(scope="session")
def plan(write):
    """Return the (first) plan of a file that begins with three good lines."""

    def plan(rest="", head=HEAD, **words):
        return plans(load(write(head + rest)), **words)[0]

    return plan
