import pytest

from harness.fuzz.genotype import Fault, Genotype
from harness.fuzz.healing import gives_time, lacking, too_brief_for, too_hasty, too_impatient, too_narrow
from tests.fuzz.invented import plan_of


def lacks(*faults, **settings):
    """Return what must still be said after faults a second apart, as actor and deed."""
    told = tuple(Fault(at=float(at), actor=actor, deed=deed) for at, (actor, deed) in enumerate(faults, 1))
    paths = {"wifi": "wifi", "cellular": "lte"}
    plan = Genotype(seed=1, job={"lasts": "30s"}, paths=paths, faults=told, **settings).plan()
    return [f"{remedy.actor}: {remedy.deed}" for remedy in lacking(plan)]


def test_a_line_is_too_narrow_for_what_the_job_says_on_it():
    def narrow(*deeds):
        faults = tuple(Fault(at=float(at), actor=actor, deed=deed) for at, (actor, deed) in enumerate(deeds, 1))
        job = {"lasts": "10s", "updates": "every 50ms", "event size": "1KB"}
        return too_narrow(Genotype(seed=1, job=job, paths={"wifi": "wifi"}, faults=faults).plan())

    assert not narrow()
    assert narrow(("wifi", "limited to 64kbps"))
    assert not narrow(("wifi", "limited to 2Mbps"))
    assert narrow(("wifi", "sliced to 1B"))
    assert not narrow(("wifi", "sliced to 1KB"))
    assert narrow(("wifi", "limited to 256kbps"), ("job", "bursts 200/s for 5s"))


@pytest.mark.parametrize("word", ["closed", "reset", "refused", "unreachable", "stalled", "silent upstream only"])
def test_a_default_path_that_passes_nothing_must_come_up(word):
    assert lacks(("wifi", word)) == ["wifi: up"]
    assert lacks(("wifi", word), ("wifi", "up")) == []


def test_a_path_that_is_not_the_default_may_stay_as_it_is():
    assert lacks(("cellular", "silent")) == []
    assert lacks(("wifi", "silent"), ("device", "joins cellular"), ("device", "prefers cellular")) == []


def test_a_profile_that_is_gone_after_a_while_must_come_up():
    assert lacks(("wifi", "wifi-edge")) == ["wifi: up"]


def test_a_phone_without_a_path_must_join_or_come_online():
    assert lacks(("device", "loses wifi")) == ["device: joins wifi"]
    assert lacks(("device", "goes offline")) == ["device: comes online"]
    assert lacks(("device", "goes offline for 2s")) == []


def test_what_nobody_can_do_without_must_not_be_refused_for_good():
    assert lacks(("server", "hangs")) == ["server: recovers"]
    assert lacks(("middle", "shows portal"), ("server", "drains")) == ["server: recovers", "middle: clears"]
    assert lacks(("middle", "answers 503 to results")) == ["middle: clears"]
    assert lacks(("middle", "answers 503 to results 2 times")) == ["middle: clears"]
    assert lacks(("server", "hangs"), ("server", "restarts keeping log")) == []


def test_a_stream_may_stay_refused_as_long_as_the_client_polls():
    refused = ("middle", "answers 503 to streams"), ("middle", "mutes streams")
    assert lacks(*refused) == []
    assert lacks(*refused, client={"fallback": "never"}) == ["middle: clears"]


def test_idle_connections_may_not_be_killed_before_an_answer_can_come():
    assert lacks(("middle", "kills idle after 1s")) == ["middle: clears"]
    assert lacks(("middle", "kills idle after 10s")) == []


def test_a_token_outlasts_three_of_the_dearest_handshakes():
    def due(token, *faults):
        told = tuple(Fault(at=5.0, actor="wifi", deed=deed) for deed in faults)
        server = {"token": token} if token else {}
        return too_brief_for(
            Genotype(seed=1, job={"lasts": "30s"}, server=server, paths={"wifi": "wifi"}, faults=told).plan()
        )

    assert (due("lasts 3s"), due("")) == (0.0, 0.0)
    assert due("lasts 3s", "edge") == pytest.approx(14.56)
    assert due("lasts 15s", "edge") == 0.0


def test_a_watchdog_waits_for_the_first_byte_of_the_dearest_path():
    def impatient(watchdog, path):
        return too_impatient(
            Genotype(seed=1, job={"lasts": "30s"}, paths={"wifi": path}, client={"watchdog": watchdog}).plan()
        )

    assert impatient("6s", "edge")
    assert not impatient("7s", "edge")
    assert not impatient("5s", "wifi")


def test_a_client_that_must_ask_for_tokens_has_time_to_fall_back_over_the_dearest_path():
    def hasty(token, path, **client):
        paths, server = {"wifi": path}, {"token": token} if token else {}
        return too_hasty(Genotype(seed=1, job={"lasts": "30s"}, server=server, paths=paths, client=client).plan())

    quick = {"watchdog": "8s", "backoff": "1s to 5s"}
    assert hasty("lasts 30s", "edge", **quick)
    assert not hasty("lasts 30s", "wifi", **quick)
    assert not hasty("", "edge", **quick)
    assert not hasty("lasts 30s", "edge")


def test_every_invented_scenario_gives_an_answer_its_time():
    assert [seed for seed in range(1, 1_001) if not gives_time(plan_of(seed))] == []
