"""`callwright eval` of a served model: asked what the run was asked, scored the same, and compared entry by entry."""

import json
import re
import signal
from pathlib import Path

import pytest
from tests.support.fake_llama import fake_llama, is_running
from tests.support.house import BASE, LIGHT, PROJECT, RIGHT, TWO, WORDS, Scripted, says, write
from tests.support.jsonl import read_jsonl
from tests.support.served_house import KnowingServer

from callwright.data.project import Project
from callwright.engines.loopback import Response, listening
from callwright.evaluation.labelled import read_labelled
from callwright.evaluation.suites import SuiteEntries, suite_entries
from callwright.formats import get_format
from callwright.orchestration.rundir import RunDirectory
from callwright.report.results import build_results
from callwright.report.run_files import RunFiles
from callwright.report.schema import POOLED, Results

STEPS = [{"tool": "light", "arguments": {"room": "{room}"}, "result": "on"}, {"tool": "lock", "result": "locked"}]
WITH_FLOW = PROJECT | {
    "flows": [
        {
            "name": "leave",
            "values": {"room": {"values": [f"hall {n}" for n in range(12)]}},
            "requests": [f"{word} the {{room}} and leave" for word in ("light", "brighten", "see", "show", "illumine")],
            "steps": STEPS,
            "answers": ["Locked."],
        }
    ]
}
TOOLS_ROWS = "runs/house/evaluations/stage2/tools"


def entries(place, suite="tools"):
    """What the run's suite asks."""
    config = RunDirectory(place / "runs/house").read_config()
    return suite_entries(config.evaluation.after(2)[suite], 2)


def served_rows(place, name, suite="tools"):
    directory = place / TOOLS_ROWS if suite == "tools" else (place / TOOLS_ROWS).parent
    return {row["id"]: row for path in (directory / "served" / name).glob("*.jsonl") for row in read_jsonl(path)}


def test_a_server_is_asked_what_the_run_was_asked_and_compared_with_it(house, asked, inside):
    place = house()
    asked(Scripted(made=()))
    inside(place, "eval", "tools", BASE)
    own = (place / "runs/house/results.json").read_bytes()
    asked(None)
    with listening(server := KnowingServer(entries(place))) as url:
        code, out, err = inside(place, "eval", "tools", BASE, "--url", url, "--name", "mine")
    assert code == 0, err
    assert out.startswith("tools, runs/house/stage2 (base model) served as mine: 6 of 6 right\n\nkind ")
    assert "\ntools\n  A  runs/house/stage2 (base model)\n  B  runs/house/stage2 (base model) served as mine\n" in out
    assert "runs/house/stage2 served as mine" in out.splitlines()[-1]
    assert len(server.asked) == 6
    own_ids = {row["id"] for path in (place / TOOLS_ROWS).glob("*.jsonl") for row in read_jsonl(path)}
    assert served_rows(place, "mine").keys() == own_ids
    assert (place / "runs/house/results.json").read_bytes() == own
    assert build_results(RunFiles(place / "runs/house")).evaluations == Results.model_validate_json(own).evaluations


def test_requests_are_greedy_within_the_runs_limit(house, asked, inside):
    place = house(max_new_tokens=33)
    with listening(server := KnowingServer(entries(place))) as url:
        inside(place, "eval", "tools", BASE, "--url", f"{url}/v1/", "--model", "m 1")
        inside(place, "eval", "tools", BASE, "--url", url, "--engine", "llamacpp")
        inside(place, "eval", "tools", BASE, "--url", url, "--engine", "ollama", "--model", "m 1")
    kinds = [(path, body.get("model"), body.get("repeat_penalty")) for path, body in server.requests]
    assert {kinds[0], kinds[7], kinds[14]} == {
        ("/v1/chat/completions", "m 1", None), ("/v1/chat/completions", None, 1.0), ("/api/chat", "m 1", None)
    }  # fmt: skip
    assert {(one["temperature"], one["max_tokens"]) for one in server.asked if "options" not in one} == {(0.0, 33)}
    options = {"temperature": 0.0, "repeat_penalty": 1.0, "seed": 1, "num_predict": 33}
    assert [(one["options"], one["truncate"]) for one in server.asked if "options" in one] == [(options, False)] * 6
    names = sorted(path.name for path in (place / TOOLS_ROWS / "served").iterdir())
    port = url.rpartition(":")[2]
    assert names == [f"llamacpp-127.0.0.1-{port}", "ollama-m-1", "openai-m-1"]


def test_json_has_the_scores_and_the_comparison(house, asked, inside):
    place = house()
    asked(Scripted(made=()))
    inside(place, "eval", "tools", BASE)
    with listening(KnowingServer(entries(place), wrong=["single_0"])) as url:
        _, out, _ = inside(place, "eval", "tools", BASE, "--url", url, "--name", "mine", "--json")
    found = json.loads(out)
    assert (found["served"], found["suite"], found["all"]["correct"]) == ("mine", "tools", 5)
    assert found["comparison"]["b"] == "runs/house/stage2 served as mine"
    assert "single_0" not in found["comparison"]["won"]
    assert len(found["comparison"]["won"]) + found["comparison"][POOLED]["both"] == 5


def test_without_rows_of_the_runs_own_there_is_no_comparison(house, inside):
    place = house()
    with listening(KnowingServer(entries(place))) as url:
        _, out, _ = inside(place, "eval", "tools", BASE, "--url", url)
    assert "6 of 6 right" in out
    assert "won" not in out


def test_a_flow_goes_on_with_the_servers_own_calls(house, inside):
    place = house(project=WITH_FLOW)
    asked = entries(place)
    assert asked.flows
    with listening(server := KnowingServer(asked)) as url:
        code, out, err = inside(place, "eval", "tools", BASE, "--url", url, "--name", "mine")
    assert code == 0, err
    assert "6 of 6 right" in out
    ends = [request["messages"][-5:] for request in server.asked]
    roles = ["user", "assistant", "tool", "assistant", "tool"]
    *_, call, result = next(end for end in ends if [message["role"] for message in end] == roles)
    assert (call["tool_calls"][0]["id"], result["tool_call_id"], result["content"]) == ("c0", "c0", "locked")
    _, shown, _ = inside(place, "eval", "show", BASE, asked.flows[0].id, "--served", "mine")
    assert "Calls, step 1\n  light(room=" in shown


def test_a_flow_that_a_dead_server_broke_off_goes_on_after_its_last_answer(house, inside):
    place = house(project=WITH_FLOW)
    asked = entries(place)
    with listening(KnowingServer(asked)) as url:
        inside(place, "eval", "tools", BASE, "--url", url, "--name", "whole")
    with listening(server := KnowingServer(asked, dies_after=5)) as url:
        command = ("eval", "tools", BASE, "--url", url, "--name", "broken")
        assert inside(place, *command)[0] == 1
        steps = read_jsonl(place / TOOLS_ROWS / "served/broken/steps/flow.jsonl")
        assert steps
        server.left = None
        assert inside(place, *command)[0] == 0
    assert read_jsonl(place / TOOLS_ROWS / "served/broken/steps/flow.jsonl")[: len(steps)] == steps
    whole, broken = (
        {name: row | {"seconds": 0} for name, row in served_rows(place, which).items()} for which in ("whole", "broken")
    )
    assert broken == whole


def test_bfcl_and_a_file_are_asked_too(house, asked, inside):
    place = house(None, bfcl={"sample": {"simple_python": 2, "irrelevance": 1}, "batch_size": 2})
    write(place, RIGHT, TWO, WORDS)
    fmt = get_format("xml")
    labelled = SuiteEntries(read_labelled(place / "test.jsonl", "last", Project(), fmt).entries)
    asked(Scripted())
    inside(place, "eval", "tools", BASE, "--file", "test.jsonl")
    with listening(KnowingServer(entries(place, "bfcl"))) as url:
        _, bfcl, err = inside(place, "eval", "bfcl", BASE, "--url", url, "--name", "mine")
    with listening(KnowingServer(labelled)) as url:
        _, file, _ = inside(place, "eval", "tools", BASE, "--file", "test.jsonl", "--url", url, "--name", "mine")
    assert "bfcl, runs/house/stage2 (base model) served as mine: 3 of 3 right\n\ncategory " in bfcl, err
    assert served_rows(place, "mine", "bfcl").keys() == {
        id for ids in entries(place, "bfcl").ids.values() for id in ids
    }
    assert "test.jsonl, runs/house/stage2 (base model) served as mine: 3 of 3 right" in file
    assert "test\n  A  runs/house/stage2 (base model)\n" in file
    assert (place / TOOLS_ROWS / "files/test/served/mine/call.jsonl").is_file()


def test_compare_and_show_name_a_served_model(house, asked, inside):
    place = house()
    asked(Scripted(made=()))
    inside(place, "eval", "tools", BASE)
    with listening(KnowingServer(entries(place))) as url:
        printed = inside(place, "eval", "tools", BASE, "--url", url, "--name", "mine")[1]
    same = inside(place, "eval", "compare", "runs/house", "runs/house", "--served", "mine")
    assert same[0] == 0, same[2]
    assert printed.endswith(same[1])
    code, _, err = inside(place, "eval", "compare", "runs/house", "runs/house", "--served", "mien")
    assert (code, err.count("\n")) == (2, 1)
    assert "did you mean mine?" in err
    assert "served as mine" in inside(place, "eval", "show", BASE, "single_0", "--served", "mine")[1]
    assert "served as" not in inside(place, "eval", "show", BASE, "single_0")[1]
    code, _, err = inside(place, "eval", "show", BASE, "single_0", "--served", "mien")
    assert (code, err.count("\n")) == (2, 1)
    assert "expected rows of runs/house/stage2 served as mien; got none; did you mean mine?" in err


def hangs_up():
    raise ConnectionResetError


@pytest.mark.parametrize("failing", [None, hangs_up], ids=["answers with errors", "is gone"])
def test_a_server_that_dies_keeps_its_rows_and_the_same_command_continues(house, inside, failing):
    place = house()
    options = {} if failing is None else {"failing": failing}
    with listening(server := KnowingServer(entries(place), dies_after=3, **options)) as url:
        command = ("eval", "tools", BASE, "--url", url, "--name", "mine")
        code, out, err = inside(place, *command)
        assert (code, out) == (1, "")
        assert re.search(
            r"expected a server that answers; got .*; the rows so far are kept; give the same command again", err
        )
        kept = served_rows(place, "mine")
        assert len(kept) == 2  # a batch; the next one was not whole
        assert all(row["valid"] for row in kept.values())
        server.left = None
        before = len(server.asked)
        code, out, err = inside(place, *command)
    assert (code, len(server.asked) - before) == (0, 4), err
    assert "6 of 6 right" in out


def test_a_request_that_fails_is_the_failure_of_its_row_while_the_server_answers(house, inside):
    place = house()
    knowing = KnowingServer(entries(place))
    refused = []

    def answer(method, path, body):
        if not refused and json.loads(body).get("tools"):
            refused.append(1)
            return Response(500, {"error": {"message": "cannot parse"}})
        return knowing(method, path, body)

    with listening(answer) as url:
        code, out, err = inside(place, "eval", "tools", BASE, "--url", url, "--name", "mine")
    assert code == 0, err
    assert "5 of 6 right" in out
    assert [row["error_type"] for row in served_rows(place, "mine").values() if not row["valid"]] == [
        "answerer:no_answer"
    ]


def test_a_stop_is_continued_where_it_was(house, inside):
    place = house()
    knowing = KnowingServer(entries(place))
    left = [3]

    def stopped(method, path, body):
        left[0] -= 1
        if left[0] == 0:
            signal.raise_signal(signal.SIGINT)
        return knowing(method, path, body)

    with listening(stopped) as url:
        command = ("eval", "tools", BASE, "--url", url, "--name", "mine")
        code, out, err = inside(place, *command)
        assert (code, out) == (130, ""), err
        assert f"Stopped. The rows are in {TOOLS_ROWS}/served/mine; give the same command again" in err
        assert len(served_rows(place, "mine")) == 2
        assert "6 of 6 right" in inside(place, *command)[1]
    assert len(knowing.asked) == 6


def test_a_server_that_cannot_be_reached_is_one_line_and_leaves_nothing(house, inside):
    place = house()
    with listening(KnowingServer(entries(place))) as url:
        pass
    code, out, err = inside(place, "eval", "tools", BASE, "--url", url)
    assert (code, out, err.count("\n")) == (1, "", 1), err
    assert "expected a server that answers; got no answer from " in err
    assert "; start the server, or correct --url and --model" in err
    assert not (place / TOOLS_ROWS).exists()


def test_rows_of_another_model_or_of_other_requests_are_not_continued(house, inside):
    place = house()
    with listening(KnowingServer(entries(place))) as url:
        inside(place, "eval", "tools", BASE, "--url", url, "--name", "mine")
        code, _, err = inside(place, "eval", "tools", BASE, "--url", url, "--name", "mine", "--model", "other")
        assert (code, err.count("\n")) == (2, 1)
        assert "got those of a served model with another model; remove " in err
        write(place, RIGHT)
        inside(place, "eval", "tools", BASE, "--file", "test.jsonl", "--url", url, "--name", "mine")
        write(place, [says("another"), RIGHT[1]], tools=[LIGHT])
        code, _, err = inside(place, "eval", "tools", BASE, "--file", "test.jsonl", "--url", url, "--name", "mine")
    assert (code, err.count("\n")) == (2, 1)
    assert "got one of another request under the id test_1_2; remove that directory" in err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--name mine", "a served model with --name; got neither --engine nor --url; add --engine llamacpp, "),
        ("--gguf m.gguf", "a served model with --gguf; got neither "),
        ("--engine openai", "--url with --engine openai; got none; add --url http://HOST:PORT"),
        ("--engine ollama", "--model with --engine ollama; got none; add --model and a name that `ollama list` shows"),
        ("--engine ollama --model m --gguf m.gguf", "started on it; got --engine ollama; leave out --gguf"),
        ("--engine llamacpp --url http://h:1 --gguf m.gguf", "started on it; got --url http://h:1; leave out --url"),
        ("--engine llamacpp --model m", "--model only of a server that is there already; got --model m; leave out "),
        ("--url http://h:1 --name ../x", "letters, digits, dots, dashes and underscores as --name; got '../x'; "),
        ("--url ftp://h", "the URL of a server, http://HOST:PORT; got 'ftp://h'; correct it"),
        ("--engine llamacpp", "a GGUF of runs/house/stage2; got none; make one: callwright export "),
        ("--engine vllm", "one of llamacpp, ollama, openai for --engine; got 'vllm'; "),
    ],
)
def test_options_that_contradict_each_other_are_refused(house, asked, inside, options, says):
    place = house()
    asked(None)
    for command in (["eval", "tools"], ["eval", "bfcl"])[: 1 + options.startswith("--name")]:
        code, out, err = inside(place, *command, BASE, *options.split())
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert says in err
    assert not (place / "runs/house/evaluations").exists()


def test_a_llama_cpp_server_is_started_on_the_stages_export_and_ended(house, inside, monkeypatch):
    place = house()
    exported = place / "runs/house/exports/stage2/gguf-q8_0/house-q8_0.gguf"
    exported.parent.mkdir(parents=True)
    exported.write_bytes(b"GGUF")
    program = fake_llama(place / "fake")
    monkeypatch.setenv("LLAMA_SERVER", str(program))
    code, out, err = inside(place, "eval", "tools", "runs/house/stage2", "--engine", "llamacpp")
    assert code == 0, err
    assert " served as llamacpp-house-q8_0: " in out
    about = json.loads(Path(program.parent / "about.json").read_text())
    assert Path(about["words"][about["words"].index("-m") + 1]).name == "house-q8_0.gguf"
    assert not is_running(about["id"])
    record = json.loads((place / TOOLS_ROWS / "served/llamacpp-house-q8_0/server.json").read_text())
    assert (record["engine"], record["url"], len(record["gguf_sha256"])) == ("llamacpp", None, 64)
    exported.write_bytes(b"GGUF, changed")
    code, _, err = inside(place, "eval", "tools", "runs/house/stage2", "--engine", "llamacpp")
    assert code == 2
    assert "got those of a served model with another gguf_sha256; remove " in err
