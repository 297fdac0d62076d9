import typing

from harness.history import records as r
from harness.report.lanes import LANES, describe
from tests.report import synthetic

STAMP = 5_000_000


def test_every_kind_of_record_has_words_and_a_lane():
    for kind in typing.get_args(r.AnyRecord):
        fields = {name: _plausible(hint) for name, hint in typing.get_type_hints(kind).items() if name != "lane"}
        record = kind(**fields)
        assert record.lane in LANES
        assert len(describe(record)) > 3
        assert describe(record) != kind.__name__.lower()


def _plausible(hint: object) -> object:
    known = {int: 7, str: "x", bool: True, float: 0.5, float | None: 0.5, str | None: "a-7"}
    return known.get(hint) or ([7] if "list[int]" in str(hint) else [] if "list[" in str(hint) else {})  # type: ignore[call-overload]


def test_a_deed_is_told_in_the_plans_words():
    deed = r.DeedDone(deed=1, issued_ns=STAMP, returned_ns=2 * STAMP)
    assert describe(deed, synthetic.handoff_plan()) == "device loses wifi (took 5 ms)"
    assert describe(deed) == "deed 1 (took 5 ms)"


def test_a_canary_that_met_nothing_says_so_loudly():
    canary = r.Canary(deed=0, met=False, detail="answered in 2 ms")
    assert describe(canary, synthetic.handoff_plan()) == "fault NOT met: wifi silent (answered in 2 ms)"
