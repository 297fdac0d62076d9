"""Benches that close their journals."""

import pytest

from tests.middle.bench import Bench


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.journal.close()


@pytest.fixture
def canary(tmp_path):
    bench = Bench(tmp_path, client="canary")
    yield bench
    bench.journal.close()
