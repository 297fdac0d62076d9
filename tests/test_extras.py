import ast
import sys
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.errors import EnvironmentFault
from harness.extras import EXTRAS, Extra
from tests.environments import PROJECT, ROOT
from tests.test_imports import imported

HERE = Extra("here", "what is there", ("json", "email"))
AWAY = Extra("away", "what is not", ("json", "no_such_module"))


def test_an_extra_is_installed_where_all_of_its_modules_are():
    assert [HERE.installed, AWAY.installed, Extra("bare", "nothing", ()).installed] == [True, False, True]


def test_what_is_there_may_be_used():
    HERE.require("anything")


def test_what_is_not_there_is_named_with_the_command_that_installs_it():
    with pytest.raises(EnvironmentFault) as told:
        AWAY.require("harness guess")
    assert str(told.value) == "harness guess needs json and no_such_module: pip install 'harness[away]'"
    assert AWAY.advice == "what is not: pip install 'harness[away]'"


RAISED = {"requests", "urllib3"}
"""The library that toxiproxy-python talks through and whose exceptions it raises."""


def named(requirements):
    return {canonicalize_name(Requirement(one).name) for one in requirements}


def test_the_extras_are_those_of_the_package_and_run_has_them_all():
    optional = PROJECT["optional-dependencies"]
    assert set(optional) == {*(extra.name for extra in EXTRAS), "run"}
    assert [set(extra.modules) - named(optional[extra.name]) for extra in EXTRAS] == [set()] * len(EXTRAS)
    assert optional["run"] == [f"harness[{','.join(extra.name for extra in EXTRAS)}]"]


def test_every_library_that_is_imported_is_required_and_every_one_that_is_required_is_imported():
    distributions = metadata.packages_distributions()
    tops = {
        name.partition(".")[0]
        for path in (ROOT / "harness").rglob("*.py")
        if path.name != "pytest_plugin.py"  # pytest itself loads it
        for _, name in imported(ast.parse(path.read_text()))
    }
    used = {canonicalize_name(distributions[top][0]) for top in tops - set(sys.stdlib_module_names) - {"harness"}}
    optional = PROJECT["optional-dependencies"]
    assert used - RAISED == named(PROJECT["dependencies"]) | named(
        one for extra in EXTRAS for one in optional[extra.name]
    )
