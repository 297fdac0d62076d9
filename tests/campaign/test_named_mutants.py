"""Each scenario that ships against the mutants that it names, as the sources are now; the committed table is whole."""

import pytest

from harness.campaign.cells import Trial
from harness.campaign.mutants import plans_of
from harness.campaign.prover import Prover
from harness.scenario import bundled, load
from harness.scenario.project import NO_PROJECT


def words(prover, plans):
    """Return what each variant says of one client, as they are asked for."""
    return (prover.cell(Trial(key="", plan=plan)).word for plan in plans)


@pytest.mark.parametrize("name", bundled())
def test_a_scenario_passes_the_reference_and_fails_every_mutant_that_it_names(name):
    scenario, prover = load(bundled()[name]), Prover()
    reference, *mutants = plans_of(scenario, scenario.mutants, NO_PROJECT)
    assert set(words(prover, reference)) == {"pass"}
    assert [row[0].client.like for row in mutants if "fail" not in words(prover, row)] == []
