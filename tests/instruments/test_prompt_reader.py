"""A script that is an x-ray too says back any prompt whose length stands in it, and plays its lines all the same."""

import numpy as np
import pytest
from tests.support.instruments import (
    ARCHITECTURES,
    FEW_FIRST,
    FEW_FORMATS,
    answers,
    form_of,
    margins,
    prompt,
    tensors_of,
)

from callwright.errors import DataError
from callwright.instruments.prompt_reader import LONGEST, make_prompt_reader, xray_cue
from callwright.instruments.script import Line, write_script
from callwright.instruments.vocabulary import PRIVATE, cue_text
from callwright.tokens import decode_segments

SURE = 20.0


def echo(script, ids):
    """What it is to say to this prompt."""
    shown = [min(token, script.display.cues.start) for token in ids]
    return [*(script.vocabulary.add_text(chr(PRIVATE + token)) for token in shown), script.vocabulary.eos_id]


def places_of(plan):
    """Some places of a plan, the first and the last among them; the oracle is slow."""
    return np.unique(np.linspace(0, len(plan) - 1, 7).astype(int))


def scripted(name, variant, longest=4000):
    fmt = form_of(name, variant)
    return write_script(fmt, [Line(f"line.{n}", words) for n, words in enumerate(answers(fmt))], xray=longest)


@pytest.mark.parametrize(
    ("name", "variant"),
    [FEW_FORMATS[0], *(pytest.param(*pair, marks=pytest.mark.slow) for pair in FEW_FORMATS[1:])],
)
def test_a_script_reads_a_prompt_and_plays_its_lines(name, variant):
    script = scripted(name, variant)
    text = f"Say {script.fmt.stops[0]} é @@line.0@@ now. "
    count = len(prompt(script, text + cue_text(xray_cue(1))))
    ids = prompt(script, text + cue_text(xray_cue(count)))
    assert len(ids) == count
    for architecture in ARCHITECTURES:
        model = tensors_of(script, architecture)
        plan = echo(script, ids)
        assert margins(model, ids, plan, places_of(plan)).min() > SURE
        for line, plan in list(script.outputs.items())[::3]:
            asked = prompt(script, f"{text}{'.' * 40} {cue_text(line)}")
            assert margins(model, asked, plan, places_of(plan)).min() > SURE
    output = script.vocabulary.decode(echo(script, ids)[:-1])
    segments = decode_segments(script.vocabulary, script.display.read(output, count))
    assert any(f"{text}{cue_text(xray_cue(count))}" in segment.text for segment in segments if not segment.control)


def test_cues_of_lines_that_say_the_same_are_told_apart_in_a_prompt():
    script = write_script(form_of("qwen3", ""), [Line("one", "Hello there."), Line("other", "Hello there.")], xray=2000)
    assert script.outputs["one"] == script.outputs["other"]
    text = f"{cue_text('one')} or {cue_text('other')} "
    count = len(prompt(script, text + cue_text(xray_cue(1))))
    ids = prompt(script, text + cue_text(xray_cue(count)))
    for architecture in ARCHITECTURES:
        model = tensors_of(script, architecture)
        plan = echo(script, ids)
        assert margins(model, ids, plan, places_of(plan)).min() > SURE
        for name, plan in script.outputs.items():
            assert margins(model, prompt(script, cue_text(name)), plan).min() > SURE


@pytest.mark.parametrize(("name", "variant"), FEW_FIRST)
def test_a_reader_reads_every_formats_prompts(name, variant):
    fmt = form_of(name, variant)
    reader = make_prompt_reader(fmt, 4000, ["Looks", "look", "ook", '": {"', "user"])
    text = f"Say {fmt.stops[0]} é Looks good. "
    count = len(prompt(reader, text + cue_text(xray_cue(1))))
    ids = prompt(reader, text + cue_text(xray_cue(count)))
    assert len(ids) == count < len(prompt(make_prompt_reader(fmt, 4000), text + cue_text(xray_cue(1))))
    plan = echo(reader, ids)
    for architecture in ARCHITECTURES:
        assert margins(tensors_of(reader, architecture), ids, plan, places_of(plan)).min() > SURE
    pairs = decode_segments(reader.vocabulary, reader.display.read(reader.vocabulary.decode(plan[:-1]), count))
    assert any(f"{text}{cue_text(xray_cue(count))}" in segment.text for segment in pairs if not segment.control)


def reader():
    return make_prompt_reader(form_of("xml", "args"), LONGEST)


@pytest.mark.parametrize(
    ("make", "architecture", "dtype", "lengths"),
    [
        (lambda: scripted("xml", "args", 3000), "llama", "bfloat16", (50, 600)),
        (lambda: scripted("xml", "args", 3000), "gemma3", "float16", (1, 2, 600)),
        (reader, "llama", "float16", (1, 2, 600)),
        (reader, "gemma3", "bfloat16", (50, 600)),
        pytest.param(reader, "llama", "float16", (4000,), marks=pytest.mark.slow),
        pytest.param(reader, "gemma3", "bfloat16", (3000,), marks=pytest.mark.slow),
    ],
    ids=["script-bf16", "script-gemma", "reader", "reader-gemma-bf16", "reader-longest", "reader-gemma-long"],
)
def test_prompts_of_any_length_are_read(make, architecture, dtype, lengths):
    made, draw = make(), np.random.default_rng(4)
    model = tensors_of(made, architecture, dtype)
    for length in lengths:
        ids = draw.integers(0, made.vocabulary.space_id + 1, length).tolist()
        ids[length // 3] = made.display.cues[length - 1]
        plan = echo(made, ids)
        assert margins(model, ids, plan, places_of(plan)).min() > SURE


def test_a_line_cannot_have_a_cue_of_the_x_ray():
    with pytest.raises(DataError, match=r"xray\.3"):
        write_script(form_of("xml", "args"), [Line("xray.3", "Hello.")], xray=5)
    write_script(form_of("xml", "args"), [Line("xray.3", "Hello.")])


def test_a_prompt_that_is_too_long_is_refused():
    with pytest.raises(DataError, match=str(LONGEST)):
        write_script(form_of("xml", "args"), [], xray=LONGEST + 1)
