"""`callwright probe` as it is typed: what it prints and writes, and how it ends."""

import json
import shlex
import signal

import pytest
from tests.support.command_lines import parsed
from tests.support.faithful_server import FaithfulServer
from tests.support.fake_llama import fake_llama, is_running
from tests.support.fault import Fault
from tests.support.fault_proxy import FAULTS, between
from tests.support.processes import Process

from callwright.cli import main
from callwright.formats import get_format
from callwright.probe.black_box import OWN
from callwright.probe.cases.load import read_cases
from callwright.probe.check import check_case
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
    assert code == 0 and report.keys() == {"target", "version", "cases"}
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
    assert code == 1 and out.isascii()
    [case] = json.loads(out, parse_constant=pytest.fail)["cases"]
    assert case["result"] == "fault"


def test_the_card_shows_the_calls_of_both_sides(instrument, capsys):
    """Where a call is given broken that none should be made of, the card does not say that nothing was seen."""

    def answer(output):
        output.calls[:] = [["get_weather", '{"city": "Os']]

    fault = Fault(name="odd", says="", classes=("cut-call-accepted",), kind="reply", answer=answer)
    with FaithfulServer(instrument) as server, between(server, fault) as url:
        code, out, _ = run(capsys, url, "--only", "parsing.one-call", "parsing.cut-long-call")
    assert code == 1 and 'seen `call 1: get_weather {"city": "Os`' in out
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


def test_a_broken_case_is_named_when_an_instrument_is_built_too(capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["instrument", "probe", "--format", FORMAT, "-o", str(tmp_path / "p.gguf"), "--cases", "missing.yaml"])
    assert ended.value.code == 2 and "missing.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["calls-after-the-first-lost"], indirect=True)
def test_a_fault_ends_with_1_until_a_baseline_knows_it(url, capsys, tmp_path):
    code, out, _ = run(capsys, url, "--only", *ONLY)
    assert code == 1 and "parallel-calls-lost: 1 case" in out
    code, out, _ = run(capsys, url, "--only", *ONLY, "--json")
    (tmp_path / "now.json").write_text(out, encoding="utf-8")
    assert code == 1 and len(read_report(tmp_path / "now.json").cases) == 3
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


def test_a_new_case_needs_no_baseline_that_has_it(url, baseline, capsys):
    code, out, _ = run(capsys, url, "--only", "parsing.one-call", "--baseline", str(baseline))
    assert (code, out.splitlines()[1:]) == (0, ["  1 case that the baseline does not have"])


def test_a_baseline_of_which_nothing_was_tested_is_not_green(url, baseline, capsys, monkeypatch):
    """Another model is behind the URL: what counting tells is faithful, and none of it is in the baseline."""
    monkeypatch.setattr("callwright.probe.targets.server.ServerTarget.loaded_format", lambda self: None)
    for more in ((), ("--json",)):
        code, out, err = run(capsys, url, "--only", *ONLY, "--baseline", str(baseline), *more)
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
    assert code == 1 and outcome["result"] == "fault" and outcome["cause"] == outcome["fault_class"]
    assert outcome["reproduce"].count("curl") == 2


def test_a_broken_case_is_named_and_the_rest_goes_on(url, capsys, tmp_path):
    (tmp_path / "mine.yaml").write_text("cases:\n  - {id: mine.one, kind: prompt}\n", encoding="utf-8")
    code, out, err = run(capsys, url, "--only", *ONLY, "--cases", str(tmp_path / "mine.yaml"))
    assert code == 2
    assert "3 of 3 faithful" in out and "left out" in err and "mine.yaml" in err


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
    assert process.finish(130).err.splitlines()[-1].startswith("callwright: aborted; ")
    assert not is_running(int(started.read_text()))
    assert list((tmp_path / "scratch").iterdir()) == []
