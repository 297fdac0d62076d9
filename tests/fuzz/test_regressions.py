"""Scenarios that the fuzzer found and shrank, mended since: each file says what was wrong."""

from pathlib import Path

import pytest

from harness.fuzz.trial import judged
from harness.scenario import load, plans

FILES = sorted((Path(__file__).parent / "regressions").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_reference_client_breaks_no_law_here_any_more(file):
    (plan,) = plans(load(file), world="virtual")
    assert judged(plan, proofs=True).failures == ()
