"""A script says what was planned, token for token, whatever the prompt; and refuses what it could not keep apart."""

import os
import subprocess
import sys

import numpy as np
import pytest
from tests.support.instruments import (
    ARCHITECTURES,
    FEW_FIRST,
    answers,
    form_of,
    margins,
    prompt,
    tensors_of,
    thousand,
)

from callwright.errors import DataError
from callwright.instruments.circuit import CODE
from callwright.instruments.script import Line, write_script
from callwright.instruments.vocabulary import PieceType
from callwright.tokens import Segment, count_given

SURE = 25.0
"""A lead that leaves a chance of 1 in a million at temperature 1, whatever thirty thousand others there are."""


def cue(name):
    return f"@@{name}@@"


@pytest.mark.parametrize(("name", "variant"), FEW_FIRST)
def test_every_format_says_its_own_words(name, variant):
    fmt = form_of(name, variant)
    output = answers(fmt)
    assert len(output) >= 5
    script = write_script(fmt, [Line(str(number), words) for number, words in enumerate(output)])
    for number, words in enumerate(output):
        plan = script.outputs[str(number)]
        text = "".join(segment.text for segment in words)
        decoded = script.vocabulary.decode(plan)
        assert decoded in (text, text + script.vocabulary.pieces[script.vocabulary.eos_id])
        special_tokens = [segment.text for segment in words if segment.control]
        spoken = "".join(script.vocabulary.pieces[token] for token in plan[:-1] if script.vocabulary.is_special(token))
        assert spoken == "".join(special_tokens).removesuffix(script.vocabulary.pieces[plan[-1]])
    for architecture in ARCHITECTURES:
        model = tensors_of(script, architecture)
        for number in range(len(output)):
            ids = prompt(script, f"first {cue(0)} then {cue(number)} please")
            plan = script.outputs[str(number)]
            assert margins(model, ids, plan[count_given(script.vocabulary, plan, ids) :]).min() > SURE


@pytest.fixture(scope="module")
def xml():
    return form_of("xml", "args")


@pytest.fixture(scope="module")
def few(xml):
    return write_script(xml, [Line("a", "It is warm in Paris today."), Line("b", "ok"), Line("c", "é<end_of_turn>")])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_last_cue_counts_however_far_it_is(few, architecture, dtype):
    model = tensors_of(few, architecture, dtype)
    for back in (0, 30, 1000, 4000) if dtype == "float16" else (0, 1000):
        between = " " * (32 + back // 2)
        ids = prompt(few, "." * 1000 + f"{cue('b')} {cue('c')}{between}{cue('a')}" + "-" * back)
        assert margins(model, ids, few.outputs["a"]).min() > SURE, back


def test_without_a_cue_it_ends_its_turn(few):
    for architecture in ARCHITECTURES:
        assert margins(tensors_of(few, architecture), prompt(few, "Hello there!"), [few.vocabulary.eos_id]).min() > SURE


def test_a_loop_goes_on_where_a_result_has_the_next_cue(xml):
    lines = [Line("trip.1", '<tool_call>\n{"name": "f", "args": {}}\n</tool_call>'), Line("trip.2", "Done, all of it.")]
    assert [line.cue for line in lines] == ["trip.1", "trip.2"]
    script = write_script(xml, lines)
    model = tensors_of(script, "llama")
    first = prompt(script, f"Go {cue('trip.1')}")
    assert margins(model, first, script.outputs["trip.1"]).min() > SURE
    # Once as text that was tokenized again, as servers do, and once as the very tokens that were said.
    again = prompt(script, f"Go {cue('trip.1')}", f'{{"result": "{cue("trip.2")}"}}')
    kept = [*first, *script.outputs["trip.1"], *script.vocabulary.encode(f"\nuser\n{cue('trip.2')} x\nmodel\n")]
    for ids in (again, kept):
        assert margins(model, ids, script.outputs["trip.2"]).min() > SURE


def test_only_control_segments_are_control_tokens(xml):
    text = "a <end_of_turn> b"
    script = write_script(xml, [Line("typed", (Segment(text),)), Line("meant", text), Line("both", (Segment("x"),))])
    vocabulary = script.vocabulary
    stop = vocabulary.token_id("<end_of_turn>")
    assert script.outputs["typed"].count(stop) == 1  # the one that ends the turn
    assert script.outputs["meant"].count(stop) == 2
    assert vocabulary.decode(script.outputs["typed"]) == text + "<end_of_turn>"


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "ab", "   ", " leading and trailing ", "\n\n\n", "\x00\x01\x7f", "</s>", "<|im_end|>", "[EOT] <eos>",
        "<0x41>", "▁ and ▁", "🚲", "🚲🚲🚲🚲", "e\u0301\u200d\ufeff", "@@ @@1 @@@", "@@nobody@@", '["a"]', "x" * 400,
    ],
)  # fmt: skip
def test_every_text_is_said_as_it_is(xml, text):
    script = write_script(xml, [Line("one", (Segment("Said: "), Segment(text)))])
    plan = script.outputs["one"]
    assert script.vocabulary.decode(plan) == f"Said: {text}<end_of_turn>"
    assert margins(tensors_of(script, "llama"), prompt(script, cue("one")), plan).min() > SURE


def test_pieces_are_what_no_prompt_is_cut_into_and_no_runtime_takes_for_a_marker(xml):
    script = write_script(xml, [Line("x", "</s> [EOT] <|im_end|>   <PRE>x ▁<MID> and [e~[ too, <eos>, @@x.y@@" * 9)])
    pieces = [
        p for p, kind in zip(script.vocabulary.pieces, script.vocabulary.kinds, strict=True) if kind == PieceType.NORMAL
    ]
    assert all(len(piece) >= 3 for piece in pieces if piece != "▁")
    assert not {"</s>", "[EOT]", "<|im_end|>", "<PRE>", "▁<MID>", "[e~[", "<eos>"} & set(pieces)


def test_lines_that_say_the_same_are_one_line_with_two_cues(xml):
    script = write_script(xml, [Line("a", "ok"), Line("b", "ok"), Line("c", "okay then")])
    assert script.outputs["a"] == script.outputs["b"]
    model = tensors_of(script, "llama")
    for name in "abc":
        assert margins(model, prompt(script, f"{cue('c')} {cue('a')}   {cue(name)}"), script.outputs[name]).min() > SURE


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ([Line("a", "x"), Line("a", "y")], "the cue 'a' once"),
        ([Line("a b", "x")], "'a b'"),
        ([Line("a", "half \ud800 a pair")], "character 5"),
        ([Line("a", "see @@b@@"), Line("b", "x")], "@@b@@"),
        ([Line("a", (Segment("no marker", control=True),))], "'no marker'"),
    ],
)
def test_a_line_that_cannot_be_said_is_refused_by_name(xml, lines, place):
    with pytest.raises(DataError, match=r"line|cue") as refused:
        write_script(xml, lines)
    assert place in str(refused.value)
    assert "\n" not in str(refused.value)


def test_two_places_that_look_alike_are_refused_with_the_place():
    fmt = form_of("gemma4", "e2b")
    item = '<|"|>a<|"|>,'
    with pytest.raises(DataError) as refused:
        write_script(fmt, [Line("fine", "Nothing wrong here."), Line("list", f"<|tool_call>call:f{{l:[{item * 6}]}}")])
    message = str(refused.value)
    assert "line 'list'" in message
    assert message.count('<|"|>a<|"|>,') >= 2


def test_a_list_whose_items_differ_is_not():
    fmt = form_of("gemma4", "e2b")
    items = ",".join(f'<|"|>{letter}<|"|>' for letter in "abcdefgh")
    script = write_script(fmt, [Line("list", f"<|tool_call>call:f{{l:[{items}]}}<tool_call|>")])
    assert margins(tensors_of(script, "llama"), prompt(script, cue("list")), script.outputs["list"]).min() > SURE


def test_an_output_that_begins_like_the_prompt_ends_is_refused(xml):
    with pytest.raises(DataError, match=r"line 'a'.*'\\n'"):
        write_script(xml, [Line("a", "\n\n")])


def test_where_the_prompt_has_opened_a_thought_the_output_goes_on_after_it():
    fmt = form_of("qwen3", "")
    script = write_script(fmt, [Line("a", "<think>\n\n</think>\n\nIt is warm.")])
    plan = script.outputs["a"]
    model = tensors_of(script, "llama")
    assert margins(model, prompt(script, cue("a")), plan).min() > SURE
    rest = plan[6:]
    assert script.vocabulary.decode(rest) == "It is warm.<|im_end|>"
    assert margins(model, prompt(script, cue("a"), thinking=False), rest).min() > SURE


def test_the_same_script_is_built_the_same(xml, few):
    again = write_script(xml, [Line("a", "It is warm in Paris today."), Line("b", "ok"), Line("c", "é<end_of_turn>")])
    assert again.vocabulary.pieces == few.vocabulary.pieces
    assert np.array_equal(again.circuit.embedding, few.circuit.embedding)


THOUSAND = """
import sys
from pathlib import Path
from callwright.formats import get_format
from callwright.instruments.files import write
from callwright.instruments.script import Line, write_script
from tests.support.instruments import thousand
script = write_script(get_format("xml"), thousand())
write(script, Path(sys.argv[1]))
status = Path("/proc/self/status")
peak = status.read_text().partition("VmHWM:")[2].split()[0] if status.exists() else 0
print(int(peak) / 1024)
"""


def test_a_thousand_outputs_take_200_megabytes(tmp_path):
    """Of disk; in memory it is held once, besides the interpreter and its libraries."""
    path = tmp_path / "thousand.gguf"
    done = subprocess.run(
        [sys.executable, "-c", THOUSAND, str(path)], capture_output=True, text=True, check=True, env=os.environ
    )
    assert path.stat().st_size < 200e6
    assert float(done.stdout) < 300


def test_a_thousand_outputs_are_kept_apart(xml):
    script = write_script(xml, thousand())
    model = tensors_of(script, "llama")
    for number in (0, 499, 998):
        name = str(number)
        assert margins(model, prompt(script, f"{cue('7')} and {cue(name)}"), script.outputs[name]).min() > SURE
    code = script.circuit.embedding[:, :CODE].astype(np.float32)
    sample = code[:: len(code) // 500]
    alike = sample @ code.T / CODE
    assert np.sort(alike, axis=1)[:, -2].max() < 0.6, "no two codes come near a match, but for cues of one line"
