"""`callwright probe` as it is typed: what it prints and writes, and how it ends."""

import html
import json
import re
import shlex
import signal
from datetime import UTC, datetime

import pytest
from tests.support.command_lines import parsed
from tests.support.faithful_server import FaithfulServer
from tests.support.fake_llama import fake_llama, is_running
from tests.support.fault import Fault
from tests.support.fault_proxy import FAULTS, between
from tests.support.probe_reports import answer, outcome
from tests.support.processes import Process

import callwright
from callwright.cli import main
from callwright.formats import get_format
from callwright.probe.black_box import WHY
from callwright.probe.cases.load import read_cases, set_version
from callwright.probe.check import check_case
from callwright.probe.outcome import OWN, Report
from callwright.probe.plan import make_plan, not_tested
from callwright.probe.report.baseline import read_report

FORMAT = "xml/arguments"
ONLY = ("rendering.one-tool", "parsing.three-calls", "loops.one-call")


@pytest.fixture(scope="module")
def instrument():
    return make_plan(get_format(FORMAT), read_cases().cases, one_file=True).speaker


def run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["probe", *words])
    output = capsys.readouterr()
    return ended.value.code, output.out, output.err


@pytest.fixture
def url(instrument, request):
    """A server that has the instrument, with the fault of the test's parameter."""
    fault = FAULTS[request.param] if getattr(request, "param", None) else None
    with FaithfulServer(instrument) as server, between(server, fault) as url:
        yield url


def test_a_faithful_server_gets_a_clean_card(url, capsys, tmp_path):
    code, out, err = run(capsys, url, "--only", *ONLY, "--html", str(tmp_path / "page.html"))
    assert code == 0
    assert "3 of 3 faithful in 1 format" in out and FORMAT in out
    assert "3/3 cases" in err and str(tmp_path / "page.html") in err
    assert "3 of 3 faithful" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_report_is_json_of_the_promised_keys(url, capsys):
    code, out, _ = run(capsys, url, "--only", *ONLY, "--json")
    report = json.loads(out)
    made = {"date", "callwright", "settings", "case_set", "why", "baseline"}
    assert code == 0 and report.keys() == {"target", "version", "cases", *made}
    assert list(report["why"]) == list(ONLY) and all(report["why"].values())
    assert [case["id"] for case in report["cases"]] == ["rendering.one-tool", "parsing.three-calls", "loops.one-call"]
    keys = {"id", "format", "fault_class", "result", "cause", "expected", "seen", "reproduce"}
    assert all(case.keys() == keys and case["result"] == "faithful" for case in report["cases"])


@pytest.mark.parametrize("arguments", ['{"a": 1e999}', '{"a": NaN}', '{"a": "\\ud800"}', '{"\\ud800": 1}'])
def test_the_report_is_json_whatever_came(instrument, arguments, capsys):
    def answer(output):
        for call in output.calls:
            call[1] = arguments

    fault = Fault(name="odd", says="", classes=("call-altered",), kind="reply", answer=answer)
    with FaithfulServer(instrument) as server, between(server, fault) as url:
        code, out, _ = run(capsys, url, "--only", "parsing.one-call", "--json")
    assert code == 3 and out.isascii()
    [case] = json.loads(out, parse_constant=pytest.fail)["cases"]
    assert case["result"] == "fault"


def test_the_card_shows_the_calls_of_both_sides(instrument, capsys):
    """Where a call is given broken that none should be made of, the card does not say that nothing was seen."""

    def answer(output):
        output.calls[:] = [["get_weather", '{"city": "Os']]

    fault = Fault(name="odd", says="", classes=("cut-call-accepted",), kind="reply", answer=answer)
    with FaithfulServer(instrument) as server, between(server, fault) as url:
        code, out, _ = run(capsys, url, "--only", "parsing.one-call", "parsing.cut-long-call")
    assert code == 3 and 'seen `call 1: get_weather {"city": "Os`' in out
    assert "expected `call 1: " in out or "expected nothing" in out
    assert "seen nothing" not in out


def test_a_page_that_cannot_be_written_is_told_before_the_probe(capsys, tmp_path):
    (tmp_path / "file").touch()
    for page in (tmp_path / "file" / "page.html", tmp_path / "file" / "deeper" / "page.html", tmp_path):
        code, out, err = run(capsys, "http://127.0.0.1:1", "--html", str(page))
        assert (code, out) == (1, "")
        assert err.startswith(f"callwright: expected to write {page}; got ") and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_page_that_can_no_longer_be_written_costs_no_report(url, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("callwright.storage.check_writable", lambda path: None)
    code, out, err = run(capsys, url, "--only", *ONLY, "--json", "--html", str(tmp_path))
    assert code == 1 and str(tmp_path) in err.splitlines()[-1]
    assert len(json.loads(out)["cases"]) == 3


def test_files_of_further_cases_stand_in_the_command_that_builds_the_instrument(url, capsys, tmp_path):
    further = tmp_path / "more cases.yaml"
    words = (
        "{id: mine.a, kind: reply, fault_class: call-dropped, why: x, messages: Go., says: {message: {content: Yes.}}}"
    )
    further.write_text(f"cases: [{words}]\n", encoding="utf-8")
    code, out, err = run(capsys, url, "--format", FORMAT, "--cases", str(further), "--only", "mine", "--json")
    assert code == 1 and not out
    build = err.splitlines()[-1].partition("build and load it: ")[2].partition(";")[0]
    assert parsed(build)[1]["cases"] == [further]
    with pytest.raises(SystemExit) as ended:
        main([*shlex.split(build.replace("probe.gguf", str(tmp_path / "probe.gguf")))[1:]])
    assert ended.value.code == 0 and (tmp_path / "probe.gguf").exists()


@pytest.mark.slow
def test_an_instrument_of_a_template_file_is_probed_whatever_its_path(capsys, tmp_path):
    path = tmp_path / "a folder" / "chat.jinja"
    path.parent.mkdir()
    path.write_text(get_format("qwen3").chat_template(), encoding="utf-8")
    name = f"template:{path}/qwen3"
    made = make_plan(get_format(name), read_cases().cases, one_file=True).speaker
    with FaithfulServer(made) as server:
        for more in ((), ("--format", name)):
            code, out, _ = run(capsys, server.url, "--only", "rendering.one-tool", "parsing.one-call", "--json", *more)
            found = [(case["format"], case["result"]) for case in json.loads(out)["cases"]]
            assert (code, found) == (0, [(name, "faithful")] * 2)


def test_a_saved_report_is_shown_without_a_server(capsys, tmp_path):
    """Reports of 0.2.0, which do not say why a case matters, too; what is asked of one ends as it ends for a probe."""
    found = Report(
        target="llama.cpp",
        version="b1",
        cases=(
            outcome("parsing.three-calls", "qwen3", "fault", "parallel-calls-lost", answer("x"), answer("y")),
            outcome("sampling.defaults", "qwen3", "choice", "sampler-default: 0.8", answer("x"), answer("y")),
            outcome("rendering.one-tool", "qwen3", "faithful", fault_class="tools-dropped"),
            outcome("plain.limit", "own model", "not_tested", "no", fault_class="limit-as-stop"),
        ),
    )
    saved, page = tmp_path / "report.json", tmp_path / "page.html"
    old = {"target", "version", "cases"}
    saved.write_text(json.dumps({key: part for key, part in found.as_json().items() if key in old}), encoding="utf-8")
    code, out, _ = run(capsys, "--from", str(saved), "--html", str(page))
    whole = html.unescape(page.read_text(encoding="utf-8"))
    whys = {case.id: case.why for case in read_cases().cases} | WHY
    assert code == 3
    assert f"why it matters: {whys['parsing.three-calls']}" in out and f"why it matters: {WHY['plain.limit']}" in out
    assert 'workaround: Send "parallel_tool_calls": true' in out and "workaround: Send temperature 1" in out
    assert all(" ".join(whys[case.id].split()) in whole for case in found.cases)
    assert whole.count('Send "parallel_tool_calls": true') == 2  # among the causes, and in the case
    code, out, _ = run(capsys, "--from", str(saved), "--only", "rendering", "--json")
    shown = json.loads(out)
    assert code == 0 and [case["id"] for case in shown["cases"]] == ["rendering.one-tool"]
    assert shown["why"] == {"rendering.one-tool": whys["rendering.one-tool"]}
    code, out, _ = run(capsys, "--from", str(saved), "--baseline", str(saved), "--show")
    assert code == 0 and "nothing changed" in out and "parsing.three-calls in qwen3, fault" in out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ((), "expected a target to probe; got none; name one, or a saved report: --from REPORT.json"),
        (("llamacpp", "--from", "x.json"), "--from without a target"),
        (("--from", "x.json", "--format", "qwen3"), "--from without a target"),
        (("--from", "x.json"), "a probe's report in x.json"),
    ],
)
def test_a_target_or_a_saved_report_is_named(words, part, capsys):
    code, out, err = run(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1) and part in err


@pytest.mark.parametrize("url", ["calls-after-the-first-lost"], indirect=True)
def test_a_fault_ends_with_3_until_a_baseline_knows_it(url, capsys, tmp_path):
    code, out, _ = run(capsys, url, "--only", *ONLY)
    assert code == 3 and "parallel-calls-lost: 1 case" in out
    code, out, _ = run(capsys, url, "--only", *ONLY, "--json")
    (tmp_path / "now.json").write_text(out, encoding="utf-8")
    assert code == 3 and len(read_report(tmp_path / "now.json").cases) == 3
    code, out, _ = run(capsys, url, "--only", *ONLY, "--baseline", str(tmp_path / "now.json"))
    assert code == 0 and "parallel-calls-lost" not in out


@pytest.fixture
def baseline(url, capsys, tmp_path):
    """What was found when all was well."""
    path = tmp_path / "before.json"
    path.write_text(run(capsys, url, "--only", *ONLY, "--json")[1], encoding="utf-8")
    return path


def test_a_baseline_is_compared_as_far_as_its_cases_were_run(url, baseline, capsys):
    code, out, _ = run(capsys, url, "--only", "parsing.three", "--baseline", str(baseline))
    assert (code, out.splitlines()[1:]) == (0, ["  nothing changed"])


def test_a_report_says_how_it_was_made(url, capsys, tmp_path):
    further = tmp_path / "mine.yaml"
    further.write_text("cases: []\n", encoding="utf-8")
    words = (url, "--set", "slots=2", "timeout=60", "--format", FORMAT, "--only", *ONLY)
    _, out, _ = run(capsys, *words, "--json")
    report = json.loads(out)
    began = datetime.fromisoformat(report["date"])
    assert began.tzinfo == UTC and 0 <= (datetime.now(UTC) - began).total_seconds() < 600
    assert report["callwright"] == callwright.__version__
    assert report["settings"] == {
        "target": url,
        "overrides": ["slots=2", "timeout=60"],
        "formats": [FORMAT],
        "files": [],
        "only": list(ONLY),
    }
    page = tmp_path / "page.html"
    _, card, _ = run(capsys, *words, "--html", str(page))
    for shown in (card, page.read_text(encoding="utf-8")):
        assert f"Callwright {callwright.__version__} · set of cases {report['case_set']}" in shown
        assert shlex.join(["callwright", "probe", *words]) in shown
        assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC · ", shown)
    assert report["case_set"] == set_version() != set_version([further])


def test_a_baseline_of_something_else_is_remarked_on(url, baseline, capsys, tmp_path):
    """In the terminal, in the JSON and on the page; it is no error."""
    saved = json.loads(baseline.read_text(encoding="utf-8"))
    saved |= {"target": "Ollama", "case_set": "0123456789", "callwright": "0.0.1"}
    saved["settings"] |= {"target": "ollama", "overrides": ["slots=1", "slots=3"]}
    [moved] = [case for case in saved["cases"] if case["id"] == "loops.one-call"]
    moved["format"] = "qwen3"
    other = tmp_path / "other.json"
    other.write_text(json.dumps(saved), encoding="utf-8")
    words = (url, "--only", *ONLY, "--set", "slots=2", "--baseline")
    remarks = [
        f"the baseline is of another runtime: Ollama, not {url}",
        "the baseline has another target: ollama, now a URL",
        "the baseline has another --set: slots=3, now slots=2",
        f"the baseline has another set of cases: 0123456789, now {set_version()}",
        f"the baseline has another Callwright: 0.0.1, now {callwright.__version__}",
    ]
    code, out, _ = run(capsys, *words, str(other), "--html", str(tmp_path / "page.html"))
    assert code == 0 and out.splitlines()[1 : 1 + len(remarks)] == [f"  {remark}" for remark in remarks]
    page = html.unescape((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "Compared with Ollama " in page and all(remark in page for remark in remarks)
    code, out, err = run(capsys, *words, str(other), "--json")
    compared = json.loads(out)["baseline"]
    assert code == 0 and compared["remarks"] == remarks and compared["date"] == saved["date"]
    assert all(remark in err for remark in remarks)


def test_a_report_of_an_older_version_serves_as_a_baseline(url, baseline, capsys):
    saved = json.loads(baseline.read_text(encoding="utf-8"))
    baseline.write_text(json.dumps({key: saved[key] for key in ("target", "version", "cases")}), encoding="utf-8")
    code, out, _ = run(capsys, url, "--only", *ONLY, "--baseline", str(baseline))
    remark = "  the baseline does not say with which settings it was made"
    assert (code, out.splitlines()[1:]) == (0, [remark, "  nothing changed"])


def test_a_new_case_needs_no_baseline_that_has_it(url, baseline, capsys):
    code, out, _ = run(capsys, url, "--only", "parsing.one-call", "--baseline", str(baseline))
    assert (code, out.splitlines()[1:]) == (0, ["  1 case that the baseline does not have"])


def test_a_baseline_of_which_nothing_was_tested_is_not_green(url, baseline, capsys, monkeypatch):
    """Another model is behind the URL: what counting tells is faithful, and none of it is in the baseline."""
    monkeypatch.setattr("callwright.probe.targets.server.ServerTarget.loaded_format", lambda self: None)
    for more in ((), ("--json",)):
        code, out, err = run(capsys, url, "--baseline", str(baseline), *more)
        assert code == 1 and out
        assert "expected cases that the baseline has tested" in err.splitlines()[-1] and FORMAT in err.splitlines()[-1]


def test_a_baseline_whose_cases_are_all_no_longer_tested_is_not_green(url, baseline, capsys, monkeypatch):
    """A case that the baseline does not have was tested, so there is a report."""

    def untested(session, case):
        return check_case(session, case) if case.id == "parsing.one-call" else not_tested(session.fmt, case, "no slot")

    monkeypatch.setattr("callwright.probe.run.check_case", untested)
    code, out, err = run(capsys, url, "--only", *ONLY, "parsing.one-call", "--baseline", str(baseline))
    assert code == 1 and out.count("no longer tested: ") == 3
    assert "got no slot" in err.splitlines()[-1]


def test_a_server_with_its_own_model_is_weighed_and_the_rest_left_out(url, capsys, monkeypatch):
    monkeypatch.setattr("callwright.probe.targets.server.ServerTarget.loaded_format", lambda self: None)
    code, out, _ = run(capsys, url, "--json")
    cases = json.loads(out)["cases"]
    assert code == 0 and {case["format"] for case in cases} == {OWN}
    found = {case["id"]: case for case in cases}
    weighed = ["plain.tools-count", "plain.system-counts", "plain.calls-count", "plain.result-counts"]
    assert [found[id_]["result"] for id_ in weighed] == ["faithful"] * 4
    assert found["parsing.three-calls"]["result"] == "not_tested"
    assert "callwright instrument probe" in found["parsing.three-calls"]["cause"]


@pytest.mark.parametrize(
    ("url", "case"),
    [("tools-dropped", "plain.tools-count"), ("system-prompt-dropped", "plain.system-counts")],
    indirect=["url"],
)
def test_what_does_not_count_has_not_reached_the_model(url, case, capsys, monkeypatch):
    monkeypatch.setattr("callwright.probe.targets.server.ServerTarget.loaded_format", lambda self: None)
    code, out, _ = run(capsys, url, "--json")
    outcome = next(one for one in json.loads(out)["cases"] if one["id"] == case)
    assert code == 3 and outcome["result"] == "fault" and outcome["cause"] == outcome["fault_class"]
    assert outcome["reproduce"].count("curl") == 2


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (None, ["No such file"]),
        ("cases: [", ["mine.yaml"]),
        ("[]", ["a list of cases"]),
        ("cases:\n  - {id: mine.one, kind: prompt}\n", ["case mine.one of", "mine.yaml"]),
        ("cases:\n  - {id: mine.one, kind: prompt}\n  - 7\n", ["case mine.one of", "case number 2 of"]),
    ],
)
def test_a_bad_file_of_cases_ends_the_command_before_anything_is_begun(text, parts, capsys, monkeypatch, tmp_path):
    path = tmp_path / "mine.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    for begun in ("measure", "make_plan", "make_dice"):
        monkeypatch.setattr(f"callwright.probe.command.{begun}", lambda *_, **__: pytest.fail("it was begun"))
    output = tmp_path / "probe.gguf"
    build = ["instrument", "probe", "--format", FORMAT, "-o", str(output)]
    for words in (["probe", "llamacpp"], build, [*build, "--part", "dice"]):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--cases", str(path)])
        out, err = capsys.readouterr()
        lines = err.splitlines()
        assert (ended.value.code, out) == (2, "")
        assert all(part in err for part in parts) and len(lines) == max(1, text.count("\n") - 1 if text else 1)
        assert all(line.startswith("callwright: expected ") for line in lines)
    assert not output.exists()


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["llamacp"], "a target to probe"),
        (["llamacpp", "--only", "nothing.such"], "the beginning of a case's id"),
        (["llamacpp", "--format", "qwen9"], "expected a format; got 'qwen9'; did you mean qwen3,"),
        (["llamacpp", "--baseline", "missing.json"], "missing.json"),
        (["llamacpp", "--set", "jinja=perhaps"], "jinja"),
        (["http://127.0.0.1:1"], "an OpenAI-compatible server at http://127.0.0.1:1"),
    ],
)
def test_wrong_input_is_one_line(words, output, capsys, monkeypatch):
    monkeypatch.setenv("LLAMA_SERVER", "/bin/true")
    code, out, err = run(capsys, *words)
    assert code in (1, 2) and not out
    assert output in err.splitlines()[-1] and "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_from_outside_it_leaves_no_server_and_no_file(number, tmp_path):
    started = tmp_path / "started"
    hangs = f"open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    program = fake_llama(tmp_path / "fake", bad=hangs)
    (tmp_path / "scratch").mkdir()
    words = ["probe", "llamacpp", "--set", f"program={program}", "--format", FORMAT, "--only", "parsing.one-call"]
    scratch = {"TMPDIR": str(tmp_path / "scratch")}
    process = Process("callwright.cli:main", ["callwright", *words], tmp_path, scratch)
    process.wait_for(lambda: started.exists() and started.read_text())
    process.send_signal(number)
    last = process.finish(130).err.splitlines()[-1]
    assert last == "callwright: aborted; no case was tested yet, so nothing is kept"
    assert not is_running(int(started.read_text()))
    assert list((tmp_path / "scratch").iterdir()) == []
