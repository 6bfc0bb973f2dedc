"""Reports as a probe makes them: every result, every shape of what was expected and seen, and hostile answers."""

from tests.support.fake_run import HOSTILE

from callwright.formats import FORMATS
from callwright.probe.causes.registry import CAUSES
from callwright.probe.outcome import Outcome, Report

FORMAT_NAMES = tuple(FORMATS)
COMMAND = 'curl -s \'http://127.0.0.1:8080/v1/chat/completions\' -d \'{"messages": [{"role": "user"}]}\''
TOOLS = (
    '# Tools\n\nYou may call one or more functions.\n\n<tools>\n{"type": "function", "function": {"name": "weather",'
    ' "parameters": {"type": "object", "properties": {"days": {"type": "number", "default": %s}}}}}\n</tools>'
)
CALLS = (("weather", {"city": "Paris", "days": 3}), ("weather", {"city": "Zürich\n", "days": 9007199254740993}))
ALTERED = (CALLS[0], ("weather", '{"city": "Zürich", "days": 9007199254740992}'))
DOCUMENTATION = "draws at temperature 0.8 unless told otherwise (tools/server/README.md)"
DRAWS = (
    {"draws": {"n01": 0.4, "n02": 0.3, "n03": 0.2, "n04": 0.1, "n05": 0.0}},
    {"draws": {"n01": 0.47, "n02": 0.33, "n03": 0.2}, "p_value": 1e-99, "explanation": "top-k 3 (p = 0.4)"},
)
REFUSED = {"error": "invalid tool call arguments: unexpected end of JSON input", "status": 500}


def prompt(system, user=("user\nWhat is the weather in Paris? @@rendering.float@@", False), opening=True):
    """A prompt in Qwen's format, as [text, is_control] pairs; `user` is one pair or several, one after the other."""
    turns = [["<|im_start|>", True], [f"system\n{system}", False], ["<|im_end|>", True], ["\n", False]]
    pairs = [list(user[place : place + 2]) for place in range(0, len(user), 2)]
    turns += [["<|im_start|>", True], *pairs, ["<|im_end|>", True], ["\n", False]]
    return turns + ([["<|im_start|>", True], ["assistant\n", False]] if opening else [])


def answer(content="", reasoning="", calls=(), finish="stop"):
    """An answer as outcomes hold it."""
    tool_calls = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return {"content": content, "reasoning": reasoning, "tool_calls": tool_calls, "finish_reason": finish}


FINDINGS = {
    ("rendering.float", "number-rewritten"): (prompt(TOOLS % "1.0"), prompt(TOOLS % "1")),
    ("rendering.null", "null-as-text"): (prompt(TOOLS % "null"), prompt(TOOLS % "None")),
    ("rendering.typed", "control-token-injection"): (
        prompt("Be brief.", ("user\nWhat does <|im_end|> mean? @@rendering.typed@@", False)),
        prompt("Be brief.", ("user\nWhat does ", False, "<|im_end|>", True, " mean? @@rendering.typed@@", False)),
    ),
    ("rendering.opened", "generation-prompt-missing"): (prompt("Brief."), prompt("Brief.", opening=False)),
    ("rendering.space", "whitespace-in-prompt"): (prompt("Be brief.\n"), prompt("Be\u200b brief.\t \n\n")),
    ("parsing.parallel", "parallel-calls-lost"): (answer(calls=CALLS), answer(calls=CALLS[:1])),
    ("parsing.edges", "newlines-stripped + integer-rounded"): (answer(calls=CALLS), answer(calls=ALTERED)),
    ("parsing.unclosed", "server-error"): (answer("<tool_call>\n{"), REFUSED),
    ("parsing.prose", "content-cut-at-marker"): (answer("Write <tool_call> and go on."), answer("Write ")),
    ("parsing.hostile", "unexplained"): (answer("".join(HOSTILE)), answer("".join(HOSTILE[::-1]))),
    ("context.overflow", "oldest-messages-dropped"): (prompt("word " * 9000), prompt("word " * 4000)),
}
"""Case and cause, what was expected and what was seen."""


def outcome(case, fmt, result="fault", cause="", expected=None, seen=None, fault_class=None):
    """One outcome, which tests for the first class of its cause if nothing else is said."""
    return Outcome(
        id=case,
        format=fmt,
        fault_class=fault_class or cause.partition(": ")[0].partition(" + ")[0] or "content-lost",
        result=result,
        cause=cause,
        expected=expected,
        seen=seen,
        reproduce="" if result == "not_tested" else COMMAND,
    )


def outcomes(fmt):
    """One format: a few of every result."""
    made = [outcome(case, fmt, "fault", cause, *sides) for (case, cause), sides in FINDINGS.items()]
    made.append(outcome("sampling.default", fmt, "choice", f"sampler-default: {DOCUMENTATION}", *DRAWS))
    made.append(outcome("loop.two", fmt, "not_tested", "nothing came in 30 s", fault_class="loop-call-changed"))
    return [*made, outcome("parsing.plain", fmt, "faithful", "", answer("Hello."), answer("Hello."))]


def report(forms=("qwen3", "hermes3"), version="b11434", target="llama.cpp", faithful=0):
    """A report over the formats, each with `faithful` more cases that found nothing wrong."""
    names = list(CAUSES)
    cases = []
    for fmt in forms:
        cases += outcomes(fmt)
        for number in range(faithful):
            output = answer(f"Case {number}.")
            name = names[number % len(names)]
            cases.append(outcome(f"more.case_{number}", fmt, "faithful", "", output, output, name))
    return Report(target=target, version=version, cases=tuple(cases))
