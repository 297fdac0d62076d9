import pytest

from harness.errors import ScenarioError
from harness.scenario import load
from harness.scenario.reading import LARGEST


def test_scalars_are_the_characters_they_are(write):
    text = 'scenario: "no"\njob: {lasts: 010s}\npaths: {wifi: wifi}\nserver: {keepalive: none, tls: no}\n'
    scenario = load(write(text))
    assert scenario.scenario == "no"
    assert scenario.job == {"lasts": "010s"}
    assert scenario.server == {"keepalive": "none", "tls": "no"}
    assert scenario.source == text


def test_a_byte_order_mark_and_windows_line_ends_are_read(write):
    text = b"\xef\xbb\xbfscenario: x\r\njob: {lasts: 5s}\r\npaths: {wifi: wifi}\r\n"
    assert load(write(text)).scenario == "x"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "1:1: the file is empty: expected a scenario, its job and its paths"),
        ("# nothing\n", "1:1: the file is empty: expected a scenario, its job and its paths"),
        ("- a\n", '1:1: expected a mapping that begins with "scenario:", got one value or a list'),
        ("text", '1:1: expected a mapping that begins with "scenario:", got one value or a list'),
        (b"scenario: a\nabout: \xc3\xa9\xff\n", "2:9: expected UTF-8 text, got the byte 0xff"),
        (b"\xff\xfes\x00", "1:1: expected UTF-8 text, got the byte 0xff"),
        ("scenario: \x07\n", "1:11: expected text, got the control character U+0007"),
        ("{[a]: b}", "1:2: expected a text before the colon, got a mapping or a list"),
        ("a: b\n---\nc: d\n", "2:1: a second document: expected one scenario in a file"),
    ],
)
def test_what_is_no_document_is_refused_where_it_begins(problems, content, complaint):
    assert problems(content) == [complaint]


def test_a_missing_file_a_folder_and_a_device_are_refused(tmp_path):
    for path, why in (
        (tmp_path / "none.yaml", "there is no such file"),
        (tmp_path, "expected a scenario file, got a folder"),
        (tmp_path / "a\0b", "cannot be read: "),
    ):
        with pytest.raises(ScenarioError) as error:
            load(path, shown_as="x.yaml")
        assert str(error.value).startswith(f"x.yaml: error: {why}")


def test_a_pipe_is_not_waited_for(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(ScenarioError, match="got a device or a pipe"):
        load(tmp_path / "pipe.yaml")


def test_a_file_that_is_too_big_is_not_parsed(problems):
    assert problems(b"*" * (LARGEST + 1)) == [f"0:0: expected at most {LARGEST} bytes, got more"]


@pytest.mark.parametrize(
    ("rest", "complaint"),
    [
        ("seed: &a 5\n", '4:7: an anchor ("&a"): values have no names; a text with & needs quotes'),
        ("seed: *a\n", '4:7: an alias ("*a"): expected the value itself; a text with * needs quotes'),
        ("seed: !!int 5\n", '4:7: a tag ("tag:yaml.org,2002:int"): every value is text; a text with ! needs quotes'),
        ("job: {lasts: 5s}\n", '4:1: "job" is there twice: it stands in line 2 already'),
        ("server: {retry: 1s, retry: 2s}\n", '4:21: "retry" is there twice: it stands in line 4 already'),
        ("seed:\n", '4:1: "seed" has an empty value: expected text'),
        ('seed: ""\n', '4:1: "seed" has an empty value: expected text'),
        ("mutants: [no-jitter, '']\n", "4:22: there is an empty value: expected text"),
        ("timeline: {}\n", "4:11: an empty mapping: expected something in it"),
        ("mutants: []\n", "4:10: an empty list: expected something in it"),
        ("seed:\t5\n", "4:6: a tab: expected blanks"),
        ("seed: 5 #\tfive\n", "4:10: a tab: expected blanks"),
        ('server: {"": a}\n', "4:10: an empty key: expected a name before the colon"),
    ],
)
def test_what_the_language_leaves_out_of_yaml_is_refused_where_it_stands(problem, rest, complaint):
    assert problem(rest) == complaint


def test_an_unknown_section_gets_the_nearest_word(problem):
    assert problem("seeds: 5\n") == (
        '4:1: unknown section "seeds" (did you mean "seed"?): expected scenario, about, job, server, '
        "paths, device, client, sweep, seed, limit, world, timeline, expect, waive, mutants"
    )


def test_free_text_with_a_colon_is_told_to_use_quotes(problem):
    assert problem("about: it dies: without a word\n") == (
        '4:15: this is no YAML: a second ": " in one text: free text with ": " needs ">" or quotes, '
        "settings need braces {…}"
    )
    assert problem("waive: {prompt: slow: very}\n").startswith("4:21: this is no YAML: ")


def test_free_text_with_a_colon_in_quotes_or_folded_is_kept(plan):
    assert plan('about: "it dies: without a word"\n').about == "it dies: without a word"
    assert plan("about: >\n  it dies:\n  without a word\n").about == "it dies: without a word"


@pytest.mark.parametrize(
    "rest", ["server: {retry: 1s\n", "seed: 'a\n", "seed: @5\n", "seed: %5\n", " seed: 5\n", "seed: ]\n", "a\n"]
)
def test_a_syntax_error_has_a_place_and_one_line(problem, rest):
    line, column, message = problem(rest).split(":", 2)
    assert int(line) in {3, 4, 5}
    assert int(column) >= 1
    assert message.startswith(" this is no YAML: ")
    assert "\n" not in message


def test_a_tab_that_breaks_the_syntax_is_the_only_complaint(problems):
    assert problems("scenario: x\njob:\n\t- [\n") == ["3:1: a tab: expected blanks"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[" * 900_000, "1:9: expected at most 8 levels of mappings and lists"),
        ("{a: " * 200_000, "1:33: expected at most 8 levels of mappings and lists"),
        ("- " * 400_000, "1:17: expected at most 8 levels of mappings and lists"),
        ("? " * 400_000, "1:3: expected a text before the colon, got a mapping or a list"),
        ("[" + "a," * 400_000 + "a]", "1:10000: expected at most 5000 values in a file"),
        ("a: &a [x]\n" + "b: *a\n" * 100_000, None),
    ],
)
def test_deep_and_wide_files_are_refused_at_the_bound(problems, content, complaint):
    found = problems(content)
    assert len(found) <= 100
    assert complaint is None or found == [complaint]


def test_structure_and_grammar_are_told_together_in_file_order(problems):
    found = problems("scenario: x\njob: {lasts: 5}\npaths:\n  wifi: wify\n  wifi: lte\nseed:\n")
    assert [complaint.split(" ")[0] for complaint in found] == ["2:14:", "4:9:", "5:3:", "6:1:"]


def test_a_consequence_in_a_complained_line_is_not_told_as_well(problems):
    assert problems("scenario: x\njob:\n  lasts:\npaths: {wifi: wifi}\n") == [
        '3:3: "lasts" has an empty value: expected text'
    ]


def test_positions_count_characters_not_bytes(problems):
    assert problems('scenario: "é"\njob: {"lasts": 5, kind: "ééé"}\npaths: {wifi: wifi}\n') == [
        '2:16: job lasts: expected a duration such as 150ms or 1m30s, got "5": a unit is always needed (us ms s m h d)',
        '2:25: job kind: expected one of csv-import, photo-scan, enrichment, got "ééé"',
    ]
