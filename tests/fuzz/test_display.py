"""The lines that a search prints while it goes on."""

from harness.fuzz.display import done, line
from harness.fuzz.search import Search
from harness.fuzz.tasks import Setup


def at(doing, **facts):
    search = Search(Setup(), jobs=1)
    search.doing = doing
    for name, value in facts.items():
        setattr(search, name, value)
    return search


def test_a_search_says_how_many_of_its_seeds_were_tried():
    assert line(at("searching"), 1_000) == "searching  0 of 1000 seeds  0 kinds of failure"
    assert line(at("searching"), None) == "searching  0 seeds  0 kinds of failure"


def test_a_hunt_says_how_many_mutants_were_hunted():
    assert line(at("hunting"), 43) == "hunting  0 of 43 mutants"


def test_confirming_says_how_many_examples_were_run():
    search = at("confirming", to_confirm=6, confirmed=2)
    assert line(search, 1_000) == "confirming on real sockets  2 of 6 examples"
    assert done(search) == 2
