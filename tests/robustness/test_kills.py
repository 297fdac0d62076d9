"""Six of the fifty kills (``kill_fifty.py``), all at once: they wait more than they work."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from .kill_fifty import carry_out, proxies, shared_toxiproxy, strikes, undisturbed

pytestmark = pytest.mark.slow


def test_six_random_kills_lose_nothing_and_leave_nothing_and_the_next_run_passes(tmp_path):
    with shared_toxiproxy() as shared, ThreadPoolExecutor(6) as pool:
        folders = {strike: tmp_path / str(strike.number) for strike in strikes(6, seed=11)}
        for folder in folders.values():
            folder.mkdir()
        found = list(pool.map(lambda strike: carry_out(strike, folders[strike], shared), folders))
        assert found == [[]] * 6
        assert shared == "embedded" or proxies(shared) == []
        assert undisturbed(folders[next(iter(folders))]) == []
