import xml.etree.ElementTree as ET

import msgspec

from harness.judge.verdict import LawState, Word
from harness.report.folder import read_results
from harness.report.junit import junit
from tests.report import synthetic


def test_a_scenario_is_a_suite_and_a_variant_of_a_client_a_case(passed):
    (suite,) = ET.fromstring(junit(passed)).findall("testsuite")
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("handoff", "2", "0")
    assert [case.get("name") for case in suite.iter("testcase")] == ["gap=500ms [reference]", "gap=5s [reference]"]


def test_a_law_not_judged_is_told_in_system_out(passed):
    case = next(ET.fromstring(junit(passed)).iter("testcase"))
    assert [child.tag for child in case] == ["system-out"]
    assert "not judged: server-frees (the server under test reports" in (case.findtext("system-out") or "")


def test_a_failure_names_its_laws_and_its_records(failed):
    failure = next(ET.fromstring(junit(failed)).iter("failure"))
    assert failure.get("type") == "terminal-once, honest-status, recovery"
    assert "history:1187" in (failure.text or "")
    assert (failure.text or "").endswith("replay: harness run half-open --client as-shipped --seed 7")


def test_unknown_is_an_error_and_no_failure(tmp_path):
    plan = synthetic.handoff_plan()
    doubt = synthetic.law("prompt", LawState.UNKNOWN, reason="212 of 380")
    verdict = msgspec.structs.replace(
        synthetic.handoff_verdict(plan), word=Word.UNKNOWN, laws=synthetic.laws(prompt=doubt)
    )
    synthetic.put(tmp_path, plan, verdict)
    root = ET.fromstring(junit(read_results(tmp_path)))
    assert (root.get("errors"), root.get("failures")) == ("1", "0")
    assert next(root.iter("error")).get("message") == "prompt: 212 of 380"


def test_what_xml_forbids_is_replaced(tmp_path):
    plan = msgspec.structs.replace(synthetic.half_open_plan(), name="half\x00open\x1b<&>\"'")
    verdict = msgspec.structs.replace(synthetic.half_open_verdict(plan), sentence="\x08 <b>\ufffe")
    synthetic.put(tmp_path, msgspec.structs.replace(plan, name="x"), verdict)
    results = read_results(tmp_path)
    results.runs[0].plan = plan
    root = ET.fromstring(junit(results))
    assert next(root.iter("testsuite")).get("name") == "half\ufffdopen\ufffd<&>\"'"
    assert next(root.iter("failure")).get("message") == "\ufffd <b>\ufffd"


def test_times_are_of_the_wall_clock_and_files_as_ci_knows_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    took = {}
    for world, file in (("real", str(tmp_path / "scenarios" / "handoff.yaml")), ("virtual", "/usr/lib/handoff.yaml")):
        plan = msgspec.structs.replace(synthetic.handoff_plan(), world=world, file=file)
        run = synthetic.put(tmp_path, plan, msgspec.structs.replace(synthetic.handoff_verdict(plan), world=world))
        took[f"handoff/{run.name}"] = {"real": 44.5, "virtual": 0.25}[world]
    synthetic.put_manifest(tmp_path, took=took, seconds=45.0)
    root = ET.fromstring(junit(read_results(tmp_path)))
    cases = {case.get("classname"): (case.get("time"), case.get("file")) for case in root.iter("testcase")}
    assert cases == {
        "handoff.real": ("44.500", "scenarios/handoff.yaml"),
        "handoff.virtual": ("0.250", "handoff.yaml"),
    }
    assert (root.get("time"), next(root.iter("testsuite")).get("time")) == ("45.000", "44.750")


def test_without_a_wall_clock_a_virtual_run_took_no_time(tmp_path):
    plan = msgspec.structs.replace(synthetic.handoff_plan(), world="virtual")
    synthetic.put(tmp_path, plan, synthetic.handoff_verdict(plan))
    assert next(ET.fromstring(junit(read_results(tmp_path))).iter("testcase")).get("time") == "0.000"


def test_a_repeated_run_has_a_case_for_each_seed(tmp_path):
    for seed in (7, 8):
        plan = msgspec.structs.replace(synthetic.handoff_plan(), seed=seed)
        synthetic.put(tmp_path, plan, synthetic.handoff_verdict(plan))
    names = [case.get("name") for case in ET.fromstring(junit(read_results(tmp_path))).iter("testcase")]
    assert names == ["gap=500ms seed 7 [reference]", "gap=500ms seed 8 [reference]"]
