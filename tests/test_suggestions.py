"""A name that does not exist is answered with the nearest ones that do, wherever a user can write one."""

import json
import sys
from io import BytesIO, TextIOWrapper

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.linear import is_linear

from callwright import cli
from callwright.data.registry import SOURCES, open_source
from callwright.data.tools_file.load import declare_tools
from callwright.errors import CallwrightError, nearest, suggest
from callwright.formats import ALIASES, FORMATS, get_format
from callwright.orchestration.config import PipelineConfig
from callwright.probe.targets import TARGETS
from callwright.scoring.categories import CATEGORIES
from callwright.settings import key_paths
from callwright.yaml_files import parse_yaml

NAMES = (
    sorted({*FORMATS, *ALIASES}),
    sorted(CATEGORIES),
    sorted(SOURCES),
    sorted(TARGETS),
    sorted(key_paths(PipelineConfig)),
)
USER = [{"role": "user", "content": "?"}]
ENTRY = {"entry": "simple_python_0", "text": "[]"}
CASE = "id: a.a, kind: prompt, why: w, messages: Hello."
RESULT_LOST = f"{CASE}, fault_class: result-lost"


@pytest.fixture
def answer(monkeypatch, tmp_path):
    """What the command line prints in this process, errors included, in a directory that has the files."""

    def run(words, stdin="", files=()):
        monkeypatch.chdir(tmp_path)
        for name, text in dict(files).items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        streams = [TextIOWrapper(BytesIO(data), encoding="utf-8") for data in (stdin.encode(), b"", b"")]
        with monkeypatch.context() as patch, pytest.raises(SystemExit):
            for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
                patch.setattr(sys, name, stream)
            cli.main(words)
        for stream in streams[1:]:
            stream.flush()
        return b"".join(stream.buffer.getvalue() for stream in streams[1:]).decode()

    return run


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("qwen2.5", "qwen25"),
        ("Qwen2.5-7B-Instruct", "qwen25"),
        ("Gemma4", "gemma4"),
        ("gemma-4-31b", "gemma4/31b"),
        ("llama3.1", "llama31"),
        ("Llama-4", "llama4"),
        ("function_gemma", "functiongemma"),
        ("mistral-v13", "mistral/v13"),
        ("mistral/v33", "mistral/v3"),
        ("xml/argz", "xml/args"),
        ("XML", "xml"),
        ("hermes", "hermes3"),
        ("qwen3_xml", "qwen3-xml"),
    ],
)
@pytest.mark.parametrize("command", ["formats", "render", "parse", "score", "run", "probe", "instrument", "data"])
def test_a_format_is_suggested_by_every_command_that_takes_one(answer, command, wrong, right):
    row = {"format": wrong, "raw": "", "messages": USER, **ENTRY}
    words = {
        "formats": ["formats", "show", wrong],
        "run": ["run", "--set", f"format.name={wrong}"],
        "probe": ["probe", "llamacpp", "--format", wrong],
        "data": ["data", "show", "mine.jsonl", "--format", wrong],
        "instrument": ["instrument", "dice", "a=1", "--format", wrong, "-o", "x.gguf"],
    }.get(command, [command])
    line = json.dumps(row) + "\n"
    said = answer(words, line, files={"mine.jsonl": line})
    assert f"got '{wrong}'; did you mean {right}" in said


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["run", "c.yaml", "--set", "traning.steps=3"], "training.steps"),
        (["run", "c.yaml", "--set", "rank=3"], "lora.rank"),
        (["run", "c.yaml", "--set", "lora.rang=3"], "rank"),
        (["run", "c.yaml", "--set", "sft_small.training.stepz=3"], "steps"),
        (["run", "c.yaml", "--set", "sft_full.steps=3"], "sft_full.training.steps"),
        (["run", "c.yaml", "--set", "grpo.training.reward.exat=3"], "exact"),
        (["run", "c.yaml", "--set", "lora.modules=[q_einsun]"], "q_einsum"),
        (["run", "c.yaml", "--set", "model.precision=bfloat-16"], "bfloat16"),
        (["run", "c.yaml", "--set", "model.source=gemma-3-270m"], "gemma3-270m"),
        (["run", "c.yaml", "--set", "data.synthetik={}"], "synthetic"),
        (["run", "c.yaml", "--set", "data={openai_json: {path: x}}"], "openai_jsonl"),
        (["run", "c.yaml", "--set", "data.synthetic.exampels=3"], "examples"),
        (["run", "c.yaml", "--set", "data.synthetic.mix={paralel: 1}"], "parallel"),
        (["run", "c.yaml", "--set", "evaluation.sample={paralel: 3}"], "parallel"),
        (["run", "c.yaml", "--set", "evaluation.categories=[simple-pyton]"], "simple_python"),
        (["probe", "llamacp"], "llamacpp"),
        (["probe", "Ollama"], "ollama"),
        (["probe", "ollama", "--set", "rendrer=gemma4"], "renderer"),
        (["probe", "llamacpp", "--only", "renderin"], "rendering"),
        (["probe", "llamacpp", "--only", "rendering", "parsin.cut"], "parsing.cut"),
        (["rnu"], "run"),
    ],
    ids=lambda part: part[-1] if isinstance(part, list) else part,
)
def test_the_command_line_suggests_what_is_spelled_alike(answer, words, right):
    if right == "rendering":
        words = [*words[:-1], "rendring"]  # `renderin` is the beginning of ids
    said = answer(words, files={"c.yaml": "seed: 4"})
    assert f"id you mean {right}" in said, said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("lora: {rang: 3}", "rank"),
        ("steps: 3", "sft_small.training.steps"),
        ("sft_smal: {enabled: true}", "sft_small"),
        ("format: {variant: argz}", "xml/args"),
        ("sft_full: {data: {synthetik: {}}}", "synthetic"),
        ("grpo: {training: {groupsize: 1}}", "group_size"),
    ],
)
def test_a_configuration_file_is_answered_alike(answer, text, right):
    assert f"did you mean {right}" in answer(["run", "c.yaml"], files={"c.yaml": text})


@pytest.mark.parametrize(
    ("row", "right"),
    [
        ({"entry": "simpl_python_7"}, "simple_python_7"),
        ({"entry": "parallel-multiple-3"}, "parallel_multiple_3"),
        ({"category": "irelevance"}, "irrelevance"),
        ({"category": "live-multiple"}, "live_multiple"),
    ],
)
def test_entries_and_categories_are_suggested_by_the_scores_filter(answer, row, right):
    assert f"did you mean {right}" in answer(["score"], json.dumps(ENTRY | row) + "\n")


@pytest.mark.parametrize(
    ("case", "right"),
    [
        (f"{CASE}, fault_class: result-lots", "result-lost"),
        (f"{RESULT_LOST}, tools: [wether]", "weather"),
        (f"{RESULT_LOST}, formats: [qwen2.5]", "qwen25"),
        (f"{RESULT_LOST}, thinkin: true", "thinking"),
        (f"{RESULT_LOST}, sampling: {{options: {{temprature: 1}}}}", "temperature"),
    ],
)
def test_names_in_a_case_file_are_suggested(answer, case, right):
    said = answer(["probe", "nowhere", "--cases", "mine.yaml"], files={"mine.yaml": f"cases: [{{{case}}}]"})
    assert f"did you mean {right}?" in said.splitlines()[0], said


@pytest.mark.parametrize(
    ("tool", "right"),
    [
        ("phrasing: [a]", "phrasings"),
        ("parameters: {minutes: {description: m, pool: frist_name}}", "first_name"),
        ("parameters: {minutes: {description: m, type: integr}}", "integer"),
        (
            "parameters: {minutes: {description: m, pool: city}}, phrasings: ['set {minutes}'], fan_out: [minute]",
            "minutes",
        ),
        ("parameters: {minutes: {description: m, pool: city}}, phrasings: ['a {minute}']", "minutes"),
    ],
)
def test_names_in_a_tools_file_are_suggested(tmp_path, tool, right):
    fields = {"phrasings": "['set it']"} if "phrasing" not in tool else {}
    rest = "".join(f", {key}: {value}" for key, value in fields.items())
    text = f"{{version: 1, tools: [{{name: set_timer, description: d, {tool}{rest}}}]}}"
    with pytest.raises(CallwrightError, match=f"did you mean {right}"):
        declare_tools(parse_yaml(text, "the file"), tmp_path / "mine.yaml")


def test_a_call_of_a_tool_that_is_not_offered_is_answered_with_the_nearest(tmp_path):
    tools = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time")]
    call = {"type": "function", "function": {"name": "getWeather", "arguments": "{}"}}
    line = {"messages": [*USER, {"role": "assistant", "tool_calls": [call]}], "tools": tools}
    (tmp_path / "mine.jsonl").write_text(json.dumps(line), encoding="utf-8")
    with pytest.raises(
        CallwrightError, match=r"got getWeather; .* did you mean get_weather\? use one of: get_time, ge"
    ):
        open_source("openai_jsonl", {"path": tmp_path / "mine.jsonl"})[0]


@given(st.sampled_from(NAMES), st.data())
def test_a_name_with_a_slip_is_answered_with_the_name(names, data):
    """A letter that is missing, twice or another one; capitals; other separators."""
    name = data.draw(st.sampled_from(names))
    at = data.draw(st.integers(0, len(name) - 1))
    wrong = data.draw(
        st.sampled_from(
            (
                name[:at] + name[at + 1 :],
                name[:at] + name[at] + name[at:],
                name.swapcase(),
                name.replace("_", "-"),
                name[:at] + "-" + name[at:],
            )
        )
    )
    assume(wrong not in names and len(name) > 3)
    near = nearest(wrong, names)
    alike = [one for one in names if nearest(wrong, [one])]
    assert name in near or len(alike) > 3
    assert set(near) <= set(names)


@given(st.text(), st.lists(st.text(max_size=20), max_size=40))
def test_any_name_gets_an_answer_and_a_long_list_stays_out_of_it(name, names):
    fix = suggest(name, names, "see the list")
    near = nearest(name, names)
    assert len(near) <= 3 and set(near) <= set(names)
    assert fix
    if len(set(names)) > (12 if near else 30):
        assert fix.endswith("see the list")


def test_few_names_are_told_whole_and_a_name_like_none_gets_no_hint():
    assert suggest("rang", ["rank", "alpha"]) == "did you mean rank? use one of: rank, alpha"
    assert suggest("zzz", ["rank", "alpha"]) == "use one of: rank, alpha"
    assert suggest("rang", ["rank"]) == "did you mean rank?"
    assert suggest("x", []) == "use one of: none"


def test_a_long_list_is_not_told_whole_beside_what_is_near():
    with pytest.raises(CallwrightError) as raised:
        get_format("qwen2.5")
    assert str(raised.value) == "expected a format; got 'qwen2.5'; did you mean qwen25? `callwright formats` lists all"


def test_looking_for_a_name_takes_time_in_proportion_to_the_names():
    assert is_linear(
        lambda text: nearest("simple_1", text.split()), lambda n: " ".join(map("s_{}".format, range(n))), 40_000
    )
