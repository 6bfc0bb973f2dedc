"""A model card says what the run, the files and the checks say, and nothing more."""

import ast
import json
import re
import shlex
from dataclasses import replace

import pytest
import yaml
from tests.support.fake_run import HOSTILE, results, with_tools

from callwright.export.base_notes import describe_base, quantized_twice
from callwright.export.card import ExportedFiles, cell, model_card
from callwright.export.run_facts import RunFacts
from callwright.export.serve import example_request
from callwright.export.snippets import snippets
from callwright.export.types_written import nearly_equal, types_text
from callwright.export.verify.check import Check
from callwright.formats import get_format

FILES = ExportedFiles(kind="gguf", name="quick-q8_0", numbers="q8_0", main="quick-q8_0.gguf", bytes=291_000_000)
CHECKS = (
    Check("merged logits", True, "The likeliest token is the same everywhere.", {"largest difference": 3.2e-6}),
    Check("template", False, "Byte 17 is another."),
)


@pytest.fixture
def card(model_in):
    """Makes the card of a tiny model; its arguments can be replaced."""

    def make(name="xml", files=FILES, checks=CHECKS, model=None, made=None, data=None):
        facts = RunFacts(made or results(), data or {"sft_full": {"synthetic": {"examples": 2000}}}, {}, "ad" * 32)
        return model_card(model or model_in(name), files, facts, checks, example_request())

    return make


def section(card, title):
    return card.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_hub_reads_its_fields(card):
    text = card()
    front = yaml.safe_load(text.split("---")[1])
    assert front["license"] == "gemma" and front["library_name"] == "gguf"
    assert "function-calling" in front["tags"] and front["pipeline_tag"] == "text-generation"
    assert "base_model" not in front  # the tiny base is on no hub
    assert text.split("---")[2].lstrip().startswith("# quick-q8_0\n")


def test_the_base_is_called_what_it_is(card, model_in, tiny_model):
    quickstart = replace(model_in(), base=replace(tiny_model, name="gemma3-270m", spec="gemma3-270m"))
    text = card(model=quickstart)
    assert "a third party quantized it to Q4_K_M" in text and tiny_model.sha256 in section(text, "What it is")
    assert yaml.safe_load(text.split("---")[1])["base_model"] == "google/gemma-3-270m"
    assert "quantizes them again" not in text
    again = card(model=quickstart, files=replace(FILES, numbers="q4_k_m"))
    assert "The base's numbers were quantized once (Q4_K_M), and q4_k_m quantizes them again" in again


def test_only_few_bits_after_few_bits_are_warned_of(tiny_model):
    assert quantized_twice(tiny_model, "q4_k_m") == ""
    quantized = replace(tiny_model, spec="some/model.gguf", name="model")
    assert quantized_twice(quantized, "q6_k") and not quantized_twice(quantized, "f16")
    hub = replace(tiny_model, spec="google/gemma-3-270m-it@main", revision="abc")
    assert describe_base(hub).hub_id == "google/gemma-3-270m-it"


def test_scores_have_their_intervals_and_end_at_the_stage_that_is_exported(card):
    made = with_tools(results())
    scores = section(card(made=made), "How well it calls")
    assert scores.index("### your tools") < scores.index("### BFCL")
    assert "| base model | SFT small | SFT full |" in scores and "GRPO" not in scores
    one = made.evaluations["stage4"]["bfcl"].categories["simple_python"]
    assert (
        f"{100 * one.accuracy:.1f}% [{100 * one.low:.1f}–{100 * one.high:.1f}], {one.correct} of {one.total}" in scores
    )


def test_a_run_without_evaluations_says_so(card):
    assert section(card(made=results(stages=())), "How well it calls").strip().startswith("No evaluation")


def test_checks_stand_with_their_numbers_and_their_absence_too(card):
    found = section(card(), "What the export changed")
    assert (
        "| merged logits | passed | The likeliest token is the same everywhere. largest difference 3.2e-06 |" in found
    )
    assert "| template | **failed** | Byte 17 is another. |" in found
    assert "**The files were not checked**" in section(card(checks=()), "What the export changed")


def test_what_a_written_tokenizer_does_otherwise_is_listed(card):
    written = section(card(files=replace(FILES, kind="hf", numbers="bfloat16")), "What the export changed")
    assert "this one was written from its vocabulary" in written and "\n- In a user's text &lt;bos>" in written
    assert "tokenizer.json" not in section(card(), "What the export changed")


def test_a_fallback_of_types_is_told():
    types = {f"blk.{n}.attn_q.weight": "Q5_0" for n in range(9)}
    types |= {"blk.0.attn_norm.weight": "F32", "token_embd.weight": "Q8_0", "blk.0.ffn_down.weight": "Q4_K"}
    text = "\n".join(types_text("q4_k_m", types))
    assert "| Q5_0 | 9 | attn_q (9) |" in text and "| F32 | 1 | attn_norm |" in text
    assert "q4_k_m is named after Q4_K, which 1 of 11 matrices have" in text


def test_two_quantizations_that_are_nearly_the_same_are_called_so():
    types = {f"blk.{n}.attn_q.weight": "Q8_0" for n in range(20)} | {"output_norm.weight": "F32"}
    assert "Nearly all matrices are Q8_0, so that this file is nearly the same as one in q8_0." in [
        *types_text("q6_k", types)
    ]
    assert not any("nearly the same" in line for line in types_text("q8_0", types))
    assert nearly_equal(types, types) and not nearly_equal(types, dict.fromkeys(types, "Q5_0"))
    assert list(types_text("bfloat16", {})) == [
        "All numbers are stored as bfloat16; they were merged in float32 and rounded once."
    ]


def test_terms_notice_and_hashes_are_named(card):
    text = card()
    assert "ai.google.dev/gemma/terms" in section(text, "License") and "`NOTICE`" in section(text, "License")
    assert "ad" * 32 in section(text, "Hashes") and "SHA256SUMS" in section(text, "Hashes")
    assert "Data of sft_full: synthetic: examples: 2,000." in section(text, "How it was trained")


@pytest.mark.parametrize("evil", HOSTILE)
def test_nothing_hostile_becomes_markup(evil):
    text = cell(evil)
    assert text.isprintable() and "<" not in text and not re.search(r"(?<!\\)\|", text)


def test_a_hostile_run_changes_no_line_of_the_card(card):
    made = results()
    evil = made.model_copy(update={"run": made.run.model_copy(update={"command": "x\n# Title\n| <script>"})})
    assert "\n# Title" not in card(made=evil) and "<script>" not in card(made=evil)


@pytest.mark.parametrize("kind", ["hf", "gguf", "ollama", "lora"])
@pytest.mark.parametrize("name", ["xml/args", "xml/arguments", "tool_code", "functiongemma"])
def test_every_snippet_is_a_program(kind, name):
    found = list(snippets(kind, "quick.gguf", "quick", get_format(name), example_request()))
    assert found
    for snippet in found:
        if snippet.language == "python":
            ast.parse(snippet.text)
            continue
        *_, curl = snippet.text.splitlines()
        words = shlex.split(curl)
        body = json.loads(words[words.index("-d") + 1])
        assert body["tools"][0]["function"]["name"] == "get_weather" and body["temperature"] == 0


@pytest.mark.parametrize(
    ("kind", "name", "runtimes"),
    [
        ("gguf", "xml", ["llama.cpp", "LM Studio"]),
        ("ollama", "xml", ["llama.cpp", "Ollama", "LM Studio"]),
        ("hf", "xml", ["transformers", "vLLM"]),
        ("lora", "xml", ["PEFT"]),
    ],
)
def test_each_export_says_how_to_call_it(kind, name, runtimes):
    found = list(snippets(kind, "quick.gguf", "quick", get_format(name), example_request()))
    assert [snippet.runtime for snippet in found] == runtimes


def test_where_no_runtime_reads_the_calls_it_is_said():
    [llama, *_] = snippets("gguf", "m.gguf", "m", get_format("tool_code"), example_request())
    assert "`callwright parse` does" in llama.note
    ollama = list(snippets("ollama", "m.gguf", "m", get_format("bfcl"), example_request()))[1]
    assert "Ollama keeps none of the calls" in ollama.note
    [transformers, vllm] = snippets("hf", "", "m", get_format("xml/args"), example_request())
    assert "parse_response" in transformers.text and "`callwright parse` does" in vllm.note
