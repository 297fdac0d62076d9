from rich.console import Console

from harness.report.progress import LiveView, RunProgress, line

RUN = RunProgress(
    name="handoff", variant="gap=5s", t=12.0, total=41.0, state="wifi silent", status="reconnecting", events=117
)


def at(seconds: float, done: str = "") -> RunProgress:
    return RunProgress(name="handoff", t=seconds, total=41.0, done=done)


def test_a_plain_line_reads_as_designed():
    assert line(RUN) == "handoff gap=5s  12.0/41 s  wifi silent  reconnecting  117 events"


def test_a_run_speaks_at_its_start_every_five_seconds_and_once_at_its_end():
    view = LiveView()
    said = []
    for now in range(14):
        view.feed(at(float(now), "pass" if now >= 12 else ""))
        said += [now] * len(view.lines(float(now)))
    assert said == [0, 5, 10, 12]


def test_the_drawing_has_a_line_for_each_run_under_way():
    view = LiveView()
    view.feed(RUN)
    view.feed(RunProgress(name="half-open", done="fail"))
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(view.draw())
    drawn = capture.get().splitlines()
    assert drawn == [f"━━━━━╌╌╌╌╌╌╌╌╌╌╌  {line(RUN)}", "1 run done, 1 under way"]


def test_a_name_cannot_steer_the_terminal():
    assert line(RunProgress(name="a\x1b[2J", total=1.0)) == "a\ufffd[2J  0.0/1 s  0 events"
