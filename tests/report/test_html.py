"""The report: whole, offline, harmless whatever the model said, and honest about what is missing."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.support.fake_run import HOSTILE, fake_run, with_tools
from tests.support.tools_suite import TOOLS, add_tools_suite

from callwright.errors import DataError
from callwright.report import html
from callwright.report.html import MOST_BYTES, write_report
from callwright.report.schema import Results

OUR_TAGS = (
    "html head meta title style body header main section nav article details summary fieldset legend input label "
    "figure figcaption svg g path line circle rect text table thead tbody tr th td dl div dt dd ol ul li h1 h2 h3 h4 "
    "p pre a b i em small code span"
)
OUR_ATTRIBUTES = (
    "lang charset http-equiv content name class id type checked for href scope colspan dir open role aria-hidden "
    "aria-label viewbox preserveaspectratio d x y x1 x2 y1 y2 cx cy r rx dy width height transform "
    "fill-opacity"
)
VOID = {"meta", "input"}


class Page(HTMLParser):
    """What a browser would find: elements, attributes, text, and whether they nest."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.comments: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("harmless")
    add_tools_suite(directory, fake_run(directory))
    return write_report(directory).read_text()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("hostile")
    add_tools_suite(directory, fake_run(directory, hostile=True, entries=2), hostile=True)
    return write_report(directory).read_text()


def partial(directory: Path, *stages: str) -> str:
    fake_run(directory, stages=stages)
    return Page(write_report(directory).read_text()).text


def test_no_element_or_attribute_comes_from_what_was_said(hostile: str) -> None:
    page = Page(hostile)
    assert page.open == []
    assert page.tags <= set(OUR_TAGS.split())
    assert {name for _, name, _ in page.attributes} <= set(OUR_ATTRIBUTES.split())
    assert page.comments == []
    assert not [a for a in page.attributes if "alert" in a[2] or "evil" in a[2]]


@pytest.mark.parametrize(
    "attack", [text for text in HOSTILE if text.isprintable() and len(text) < 100 and "Z" not in text]
)
def test_what_was_said_is_shown_to_the_letter(hostile: str, attack: str) -> None:
    assert attack in Page(hostile).text


def test_characters_without_a_shape_are_named(hostile: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", hostile)
    for mark in ("NUL", "ESC", "DEL", "U+0085", "U+202E", "U+2066", "U+FEFF", "U+D800", "U+E0041"):
        assert f"<i>{mark}</i>" in hostile


@pytest.mark.parametrize("run", ["harmless", "hostile"])
def test_the_page_loads_nothing_and_runs_nothing(run: str, request: pytest.FixtureRequest) -> None:
    source = request.getfixturevalue(run)
    page = Page(source)
    assert "script" not in page.tags
    assert all(value.startswith("#") for _, name, value in page.attributes if name == "href")
    assert not [name for _, name, _ in page.attributes if name in ("src", "srcset", "action", "style")]
    style = source.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_forbids_all_but_our_own_style(harmless: str) -> None:
    policy = next(value for _, name, value in Page(harmless).attributes if name == "content" and "default-src" in value)
    style = harmless.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_every_link_inside_the_page_has_its_target(harmless: str) -> None:
    attributes = Page(harmless).attributes
    ids = [value for _, name, value in attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for _, name, value in attributes if name == "href"} <= set(ids)
    assert {value for _, name, value in attributes if name == "for"} <= set(ids)


def test_a_run_is_told_from_headline_to_hash(tmp_path: Path) -> None:
    run = fake_run(tmp_path)
    text = Page(write_report(tmp_path).read_text()).text
    first, last = run.evaluations["stage2"]["bfcl"].pooled, run.evaluations["stage5"]["bfcl"].pooled
    assert (
        f"answers {100 * last.correct / last.total:.1f}% of the entries of BFCL that ask for a call correctly" in text
    )
    assert f"(base model: {100 * first.correct / first.total:.1f}%)" in text
    assert "The 95% intervals are apart" in text
    assert "No overall BFCL score is given" in text
    assert "scores here only because it hardly ever calls" in text
    assert "An argument has the wrong type, such as text where a number belongs." in text
    assert "an_error:that_nobody_has_explained" in text
    for fact in (run.model.sha256, run.run.config_sha256, run.run.command, "0.10.2", "6 min 53 s", "6.7 GB", "133,120"):
        assert fact in text
    assert "What is missing" not in text


def test_lost_entries_are_shown_beside_the_gained(harmless: str) -> None:
    for change in ("lost", "gained", "wrong"):
        assert f'<article class="card {change} ' in harmless


def test_1240_rows_a_stage_stay_below_the_limit(tmp_path: Path) -> None:
    run = fake_run(tmp_path, entries=6)
    assert sum(score.total for score in run.evaluations["stage5"]["bfcl"].categories.values()) >= 1240
    assert write_report(tmp_path).stat().st_size < MOST_BYTES // 2


def test_outputs_that_would_not_fit_are_cut_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_run(tmp_path, hostile=True)
    roomy = write_report(tmp_path).read_text()
    monkeypatch.setattr(html, "MOST_BYTES", len(roomy.encode()) // 2)
    cut = write_report(tmp_path).read_text()
    assert len(cut.encode()) < len(roomy.encode()) // 2
    assert "characters left out" in cut


def test_more_kinds_of_error_than_anyone_reads_are_counted(tmp_path: Path) -> None:
    data = fake_run(tmp_path).model_dump()
    kinds = {f"kind:{i}": 1 for i in range(5000)}
    data["evaluations"]["stage2"]["bfcl"]["categories"]["parallel"] |= {"total": 6000, "planned": 6000, "errors": kinds}
    Results.model_validate(data).write(tmp_path / "results.json")
    report = write_report(tmp_path)
    assert report.stat().st_size < MOST_BYTES
    assert re.search(r"and 4,9\d\d more kinds of error, with 4,9\d\d failures", Page(report.read_text()).text)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, harmless: str) -> None:
    add_tools_suite(tmp_path, fake_run(tmp_path))
    assert write_report(tmp_path).read_text() == harmless


def test_own_tools_are_told_by_kind_and_tool_with_matrix_arguments_and_requests(tmp_path: Path) -> None:
    run = add_tools_suite(tmp_path, fake_run(tmp_path))
    page = Page(source := write_report(tmp_path).read_text())
    suite = run.evaluations["stage5"]["tools"]
    score = run.evaluations["stage2"]["tools"].by_tool[TOOLS[0]]
    assert f"{TOOLS[0]}{100 * score.correct / score.total:.1f}%{100 * score.low:.1f}" in re.sub(r"\s", "", page.text)
    assert source.count('<svg class="matrix"') == len(run.evaluations)
    assert "expected none, called " in page.text
    failing = sum(score.total - score.correct for score in suite.categories.values())
    assert f"{failing} requests fail" in page.text
    assert '– → "bright"' in page.text
    assert "An argument has another value than the expected one." in page.text


def test_at_most_fifty_failing_requests_of_a_stage_are_shown(tmp_path: Path) -> None:
    run = add_tools_suite(tmp_path, fake_run(tmp_path, stages=("stage2",)))
    suite = run.evaluations["stage2"]["tools"]
    failing = sum(score.total - score.correct for score in suite.categories.values())
    source = write_report(tmp_path).read_text()
    assert failing > 50
    assert f"50 of {failing}" in Page(source).text
    assert source.count('<article class="card">') == 50


def test_a_run_with_own_tools_alone_renders(tmp_path: Path) -> None:
    data = add_tools_suite(tmp_path, fake_run(tmp_path)).model_dump()
    for suites in data["evaluations"].values():
        del suites["bfcl"]
    data["comparisons"] = [test for test in data["comparisons"] if test["suite"] == "tools"]
    Results.model_validate(data).write(tmp_path / "results.json")
    page = Page(write_report(tmp_path).read_text())
    assert "Your tools" in page.text
    assert not re.search("BFCL: accuracy|call categories|Side by side|Whether to call", page.text)
    assert {value[1:] for _, name, value in page.attributes if name == "href"} <= {
        value for _, name, value in page.attributes if name == "id"
    }


def test_a_run_with_nothing_done_renders_and_says_so(tmp_path: Path) -> None:
    text = partial(tmp_path)
    assert "No evaluation of Gemma 3 270M has scored an entry that asks for a call yet." in text
    assert "The run has not finished" in text
    assert "base model (stage2) is pending." in text


def test_a_baseline_alone_renders_and_is_compared_with_nothing(tmp_path: Path) -> None:
    text = partial(tmp_path, "stage2")
    assert "There is no second evaluation to compare it with." in text
    assert "GRPO (stage5) is pending." in text
    assert "Side by side" not in text


def test_a_run_with_own_tools_renders_and_its_rows_are_looked_for(tmp_path: Path) -> None:
    with_tools(fake_run(tmp_path)).write(tmp_path / "results.json")
    text = Page(write_report(tmp_path).read_text()).text
    assert "The outputs of stage3/tools/single, stage3/tools/several" in text
    assert "of the requests to your tools that ask for a call" in text


def test_a_run_without_grpo_ends_at_sft(tmp_path: Path) -> None:
    text = partial(tmp_path, "stage2", "stage3", "stage4")
    assert "correctly after SFT full (base model:" in text


def test_an_unfinished_evaluation_says_how_far_it_is(tmp_path: Path) -> None:
    run = fake_run(tmp_path)
    data = run.model_dump()
    data["evaluations"]["stage5"]["bfcl"]["categories"]["parallel"]["planned"] = 41
    Results.model_validate(data).write(tmp_path / "results.json")
    assert "GRPO, parallel: 40 of 41 entries are scored." in Page(write_report(tmp_path).read_text()).text


def test_a_run_without_its_rows_renders_and_names_them(tmp_path: Path) -> None:
    fake_run(tmp_path, stages=("stage2", "stage3"))
    (tmp_path / "evaluations/stage3/parallel.jsonl").unlink()
    text = Page(write_report(tmp_path).read_text()).text
    assert "The outputs of stage3/parallel are not beside the results" in text


def test_a_torn_last_row_is_dropped(tmp_path: Path) -> None:
    fake_run(tmp_path)
    with open(tmp_path / "evaluations/stage5/parallel.jsonl", "ab") as rows:
        rows.write(b'{"id": "parallel_')
    assert write_report(tmp_path).exists()


@pytest.mark.parametrize("line", [b'{"id": \n', b'{"id": "x"}\n', b"[]\n", b"\xff\n"])
def test_a_damaged_row_is_named_and_the_old_report_is_kept(tmp_path: Path, line: bytes) -> None:
    fake_run(tmp_path)
    before = write_report(tmp_path).read_bytes()
    with open(tmp_path / "evaluations/stage5/parallel.jsonl", "ab") as rows:
        rows.write(line)
    with pytest.raises(DataError, match=r"in line 41 of .*stage5/parallel\.jsonl"):
        write_report(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == before


@pytest.mark.parametrize("depth", [300, 900])
def test_calls_nested_however_deeply_are_shown_or_said_to_be(tmp_path: Path, depth: int) -> None:
    fake_run(tmp_path)
    for path in tmp_path.glob("evaluations/*/parallel.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        nested = "[" * depth + "]" * depth
        calls = f'"calls": [{{"name": "f", "arguments": {{"a": {nested}}}}}]'
        lines = [json.dumps({**row, "calls": []}).replace('"calls": []', calls) for row in rows]
        path.write_text("\n".join(lines) + "\n")
    page = Page(write_report(tmp_path).read_text()).text
    assert "[" * 100 in page or "nested too deeply" in page


def test_what_is_wrong_in_a_call_is_one_short_line(tmp_path: Path) -> None:
    fake_run(tmp_path)
    path = tmp_path / "evaluations/stage5/parallel.jsonl"
    row = json.loads(path.read_text().splitlines()[0]) | {"calls": [{"name": "f", "arguments": 5}]}
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(DataError, match=r"calls\.0\.arguments in line 1 of .*: keys and values"):
        write_report(tmp_path)
