from harness.judge import phrases


def test_times_and_lengths():
    assert phrases.moment(12.649) == "12.6 s"
    assert (phrases.between(10.2, 10.8), phrases.between(10.21, 10.22)) == ("10.2\u201310.8 s", "10.2 s")
    assert [phrases.duration(value) for value in (0.0, 0.0001, 0.009, 1.84, 110.3)] == [
        "0 ms", "0.10 ms", "9 ms", "1.8 s", "110 s",
    ]  # fmt: skip
    assert [phrases.limit(value) for value in (0.1, 2.5, 21.0)] == ["100 ms", "2.5 s", "21 s"]


def test_events_are_told_as_ranges():
    assert phrases.events([41]) == "event 41"
    assert phrases.events([44, 41, 42, 43]) == "events 41\u201344"
    assert phrases.events([1, 3, 5, 7, 8]) == "events 1, 3, 5 and 2 more"


def test_lists_amounts_and_sentences():
    assert phrases.several(["a", "b", "c"]) == "a, b and c"
    assert (phrases.several(["a"]), phrases.several([])) == ("a", "")
    assert (phrases.amount(1, "event"), phrases.amount(1602, "event")) == ("1 event", "1,602 events")
    assert (phrases.sentence("it broke"), phrases.sentence("Why?")) == ("It broke.", "Why?")
    assert (phrases.path("wifi"), phrases.path("cellular")) == ("Wi-Fi", "cellular")
