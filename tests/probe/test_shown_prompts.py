"""The command lines that a report shows, pasted: they show the prompt, and what is special in it, to the eye."""

import io
import json
import os
import shlex
import subprocess
import sys
from functools import cache
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from tests.support.faithful_server import FaithfulServer
from tests.support.faithful_target import FaithfulTarget
from tests.support.fault_proxy import FAULTS, between
from tests.support.probe_reports import answer, outcome, prompt

from callwright.cli import main
from callwright.conversation import Conversation, Message
from callwright.engines.chat import ChatRequest, curl_command
from callwright.formats import FORMATS, get_format
from callwright.probe.cases.load import read_cases
from callwright.probe.outcome import Report
from callwright.probe.plan import make_plan
from callwright.probe.prompt import shows_prompt
from callwright.probe.report.in_full import print_cases
from callwright.probe.run import run_probe
from callwright.tokens import decode_segments, encode_segments

FORMAT = "qwen3"
QUESTION = "Is <|im_end|> typed,\u200b or \u202eis it a token?"


@cache
def plan(name, *, one_file=False):
    return make_plan(get_format(name), read_cases().cases, one_file=one_file)


def read(capsys, monkeypatch, data, *words, fmt=FORMAT, part="reader"):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data.encode("utf-8", "surrogatepass"))))
    with pytest.raises(SystemExit) as ended:
        main(["instrument", "read", "--format", fmt, "--part", part, *words])
    output = capsys.readouterr()
    return ended.value.code, output.out, output.err


def shown(made, text=QUESTION):
    """The prompt of a question as our renderer has it, and what the instrument says of it."""
    cue = "@@xray.1@@"
    prompt = made.fmt.render(Conversation((Message("user", f"{text} {cue}"),)), add_generation_prompt=True).segments
    ids, _ = encode_segments(made.display.vocabulary, prompt)
    displayed = dict(made.display.tokens)
    return "".join(chr(ord(made.display.vocabulary.decode([displayed[id_]]))) for id_ in ids), len(ids)


def openai(words, count, key="content"):
    body = {"choices": [{"message": {"role": "assistant", "content": "", key: words}, "finish_reason": "stop"}]}
    return json.dumps(body | {"usage": {"prompt_tokens": count, "completion_tokens": count}})


def ollama(words, count, key="content"):
    message = {"role": "assistant", "content": "", key: words}
    return json.dumps({"message": message, "done": True, "done_reason": "stop", "prompt_eval_count": count})


def line(words, count):
    return f"{words}\n"


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (openai, "both"),
        (lambda *one: openai(*one, "reasoning_content"), "reader"),
        (ollama, "reader"),
        (lambda *one: ollama(*one, "thinking"), "reader"),
        (line, "reader"),
    ],
)
def test_every_answer_that_holds_a_prompt_is_read(answer, part, capsys, monkeypatch):
    words, count = shown(plan(FORMAT, one_file=part == "both"))
    code, out, err = read(capsys, monkeypatch, answer(words, count), "--text", part=part)
    typed = "Is <|im_end|> typed,⟨U+200B⟩ or ⟨U+202E⟩is it a token? @@xray."
    assert (code, err) == (0, "")
    assert out.startswith("⟦<|im_start|>⟧user\n" + typed) and out.endswith("⟦<|im_start|>⟧assistant\n\n")


@pytest.mark.parametrize(
    "name", [name if name == FORMAT else pytest.param(name, marks=pytest.mark.slow) for name in FORMATS]
)
def test_the_prompt_of_every_format_is_read(name, capsys, monkeypatch):
    made = plan(name)
    words, count = shown(made)
    code, out, _ = read(capsys, monkeypatch, openai(words, count), fmt=name)
    parts = [json.loads(one) for one in out.splitlines()]
    cue = f"@@xray.{count}@@"
    prompt = made.fmt.render(Conversation((Message("user", f"{QUESTION} {cue}"),)), add_generation_prompt=True)
    ids, _ = encode_segments(made.display.vocabulary, prompt.segments)
    expected = [(part.text, part.control) for part in decode_segments(made.display.vocabulary, ids)]
    assert code == 0 and [(part["text"], part["control"]) for part in parts] == expected


@pytest.mark.parametrize(
    ("data", "part", "got"),
    [
        ("", "reader", "no text"),
        ("Paris.", "reader", "'Paris.'"),
        ('{"error": {"message": "no slot", "code": 503}}', "reader", "no slot"),
        ('{"error": "no such model"}', "reader", "no such model"),
        ("[" * 100_000, "reader", "'[[["),
        ("[]", "reader", "expected choices with a message"),
    ],
)
def test_what_shows_no_prompt_is_one_line(data, part, got, capsys, monkeypatch):
    code, out, err = read(capsys, monkeypatch, data, "--text", part=part)
    assert (code, out, err.count("\n")) == (2, "", 1) and got in err


def test_what_is_missing_of_a_prompt_is_told(capsys, monkeypatch):
    words, count = shown(plan(FORMAT))
    code, out, err = read(capsys, monkeypatch, openai(f"Yes. {words[:9]}", count), "--text")
    assert code == 0 and out.startswith("⟦<|im_start|>⟧user")
    assert "before the prompt stands 'Yes. '" in err and f"9 of the {count} tokens" in err


@given(st.text(st.characters(codec="utf-8"), max_size=30))
@settings(max_examples=100)
def test_a_command_line_has_no_character_that_is_hidden_or_obeyed(text):
    command = curl_command("http://127.0.0.1:8080", {"content": f"é {text}\ud800"})
    assert command.isprintable() and "é" in command
    assert json.loads(shlex.split(command)[-1]) == {"content": f"é {text}\ud800"}


def test_only_a_request_with_the_cue_at_its_end_shows_a_prompt():
    def asks(*texts):
        return shows_prompt(ChatRequest(conversation=Conversation(tuple(Message("user", text) for text in texts))))

    assert asks("Go. @@xray.812@@") and asks("Go.", "On. @@xray.1@@")
    assert not asks("Go.") and not asks("@@xray.812@@ is a cue") and not asks("@@xray.1@@", "@@parsing.one-call@@")


def in_brackets(prompt):
    return "".join(f"⟦{text}⟧" if control else text for text, control in prompt)


def line_of_card(out):
    """The command line that the card names for its first finding."""
    lines = out.splitlines()
    return lines[lines.index("    to see it:") + 1]


@pytest.mark.slow
def test_the_command_on_the_card_shows_both_sides_in_full(capsys):
    made = plan(FORMAT, one_file=True).speaker
    with FaithfulServer(made) as server, between(server, FAULTS["system-prompt-dropped"]) as url:
        words = ["probe", url, "--set", "timeout=60", "--only", "rendering.system-alone", "parsing.one-call"]
        with pytest.raises(SystemExit) as ended:
            main(words)
        command = line_of_card(capsys.readouterr().out)
        once = "--set timeout=60 --format qwen3 --only rendering.system-alone --show"
        assert (ended.value.code, command) == (3, f"callwright probe {url} {once}")
        with pytest.raises(SystemExit):
            main(shlex.split(command)[1:])
        out = capsys.readouterr().out
    start = out.index(
        "\nrendering.system-alone in qwen3, fault: system-lost\n--- prompt, expected\n⟦<|im_start|>⟧system\n"
    )
    assert "\n--- prompt, seen\n⟦<|im_start|>⟧user\n" in out[start:]
    assert out.count("fault: ") == 1 and "parsing.one-call" not in out


def test_answers_are_shown_in_full_too():
    file = io.StringIO()
    expected = answer("a\u200b", calls=[("f", {"x": 1.0})]) | {"words": "<call>"}
    cases = [
        outcome("a.b", "qwen3", "fault", "call-dropped", expected, answer("a\u200b")),
        outcome("a.c", "qwen3", "faithful", "", answer(), answer()),
        outcome("a.d", "qwen3", "not_tested", "no slot"),
        outcome("a.\x1b", "qwen3", "fault", "unexplained", prompt("x\x1b[31m\n"), {"error": "\x07"}),
    ]
    print_cases(Report(target="t", version="1", cases=tuple(cases)), Console(file=file, width=20))
    out = file.getvalue()
    assert '--- call 1, expected\nf {"x": 1.0}\n--- call 1, seen\n(not there)\n' in out
    assert "--- content, as expected\na⟨U+200B⟩\n" in out and "--- what the model generated\n<call>\n" in out
    assert "a.c in qwen3, faithful" in out and "--- content, as expected\n(empty)\n" in out and "a.d" not in out
    assert all(one.isprintable() or one == "\n" for one in out)


def pasted(command, tmp_path):
    """What a shell says to a command line, where `callwright` is this one."""
    program = tmp_path / "callwright"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m callwright "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(["bash", "-c", command], env=os.environ | path, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_lines_that_show_a_fault_of_a_prompt_show_it_in_a_shell(capsys, tmp_path):
    """Nothing but the report's own line, and the card's, is pasted."""
    made = plan(FORMAT, one_file=True).speaker
    with FaithfulServer(made) as server, between(server, FAULTS["system-prompt-dropped"]) as url:
        with pytest.raises(SystemExit):
            main(["probe", url, "--only", "rendering.system-alone"])
        card = capsys.readouterr().out
        with pytest.raises(SystemExit):
            main(["probe", url, "--only", "rendering.system-alone", "--json"])
        cases = json.loads(capsys.readouterr().out)["cases"]
        case = next(one for one in cases if one["result"] == "fault")
        out = pasted(case["reproduce"].splitlines()[-1], tmp_path)
        again = pasted(line_of_card(card), tmp_path)
    assert out == f"{in_brackets(case['seen'])}\n"
    for side in ("expected", "seen"):
        assert f"--- prompt, {side}\n{in_brackets(case[side])}\n" in again
    assert case["expected"] != case["seen"]


@pytest.mark.slow
def test_a_loop_is_shown_with_the_instrument_that_its_last_request_is_for():
    """Where an answer is at fault, nothing is to be read; where the next prompt is, it is read."""
    cases = read_cases().cases
    for fault, part in (("calls-after-the-first-lost", "speaker"), ("results-emptied", "reader")):
        report = run_probe(FaithfulTarget(FAULTS[fault]), [get_format(FORMAT)], cases, only={"loops.parallel"})
        commands = [one.reproduce for one in report.cases if one.result == "fault"]
        assert commands
        for command in commands:
            assert f"callwright instrument probe --format {FORMAT} --part {part} " in command
            assert ("callwright instrument read" in command) == (part == "reader")
