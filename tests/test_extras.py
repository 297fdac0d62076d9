import re

import pytest

from harness.errors import EnvironmentFault
from harness.extras import EXTRAS, Extra
from tests.environments import PROJECT

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


def test_the_extras_are_those_of_the_package_and_run_has_them_all():
    packaged = {
        name: {re.match(r"[a-z0-9]+", one)[0] for one in requirements}
        for name, requirements in PROJECT["optional-dependencies"].items()
        if name != "run"
    }
    assert packaged == {extra.name: set(extra.modules) for extra in EXTRAS}
    assert PROJECT["optional-dependencies"]["run"] == [f"harness[{','.join(extra.name for extra in EXTRAS)}]"]
