"""Transformers loads an instrument's directory and plays it as the numpy oracle says, in every precision."""

import json

import numpy as np
import pytest
from tests.peers.hf_transformers.hf_transformers import ask
from tests.support.conversations import tool_of
from tests.support.instruments import ARCHITECTURES, EVERY_FORMAT, WEATHER, answers, form_of, prompt, tensors_of
from tests.support.numpy_models import logits

from callwright.conversation import Conversation, Message
from callwright.formats.jinja import template_message
from callwright.instruments.dice import make_dice
from callwright.instruments.files import write_huggingface
from callwright.instruments.script import Line, write_script
from callwright.instruments.xray import make_xray
from callwright.openai import write_tool
from callwright.tokens import encode_segments

pytestmark = pytest.mark.peer


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_script_is_said_token_for_token(tmp_path, architecture, dtype):
    form = form_of("gemma4", "e2b")
    script = write_script(form, [Line(str(number), words) for number, words in enumerate(answers(form))])
    write_huggingface(script, tmp_path, architecture=architecture)
    cues = list(script.plans) if dtype == "float32" else list(script.plans)[2:4]  # half precision is slow without a GPU
    prompts = [prompt(script, f"@@0@@ {'.' * 40} @@{cue}@@ please") for cue in cues]
    plans = [list(script.plans[cue]) for cue in cues]
    job = {"directory": str(tmp_path), "dtype": dtype, "do": "generate", "prompts": prompts, "max_new_tokens": 200}
    for said in ask([job | {"temperature": 0}, job | {"temperature": 1.0}]):
        assert said == plans


@pytest.mark.parametrize(("name", "variant"), EVERY_FORMAT)
def test_every_format_is_said_templated_and_cut_the_same(tmp_path, name, variant):
    form = form_of(name, variant)
    script = write_script(form, [Line(str(number), words) for number, words in enumerate(answers(form))])
    write_huggingface(script, tmp_path)
    vocabulary = script.vocabulary
    text = "say @@0@@ é 東京 \U0001f6b2\n\n  two  \t@@y@@ <0x41>" + "".join(form.controls) + "x"
    conversation = Conversation((Message("user", "Look at @@0@@"),), (tool_of(WEATHER),))
    wire = {
        "messages": [template_message(message) for message in conversation.messages],
        "tools": [write_tool(tool) for tool in conversation.tools],
    }
    where = {"directory": str(tmp_path), "dtype": "float32"}
    chat = encode_segments(vocabulary, form.render(conversation, add_generation_prompt=True))[0]
    plain, opened, templated, said = ask(
        [
            where | {"do": "encode", "texts": [text], "add_special_tokens": False},
            where | {"do": "encode", "texts": ["x"], "add_special_tokens": True},
            where | {"do": "chat", "conversations": [wire]},
            where | {"do": "generate", "prompts": [chat], "max_new_tokens": 200, "temperature": 0},
        ]
    )
    assert plain == [vocabulary.encode(text, control=True)]
    assert opened == [[*([vocabulary.bos_id] if form.bos else []), *vocabulary.encode("x")]]
    assert templated == [chat]
    assert said == [list(script.plans["0"])]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_logits_are_the_oracles(tmp_path, architecture):
    dice = make_dice(form_of("xml", "args"), {"red": 0.5, "green": 0.3, "blue": 0.2})
    script = write_script(form_of("xml", "args"), [Line("x", "It is warm in Paris today.")])
    ids = prompt(script, "How warm is it? @@x@@")
    xray = make_xray(form_of("xml", "args"), len(ids))
    for number, instrument in enumerate((dice, script, xray)):
        write_huggingface(instrument, tmp_path / str(number), architecture=architecture)
        job = {"directory": str(tmp_path / str(number)), "dtype": "float32", "do": "logits", "prompts": [ids]}
        ((got,),) = ask([job])
        wanted = logits(*tensors_of(instrument, architecture, context=8192), ids, [len(ids) - 1])[0]
        assert np.allclose(got, wanted, atol=2e-2), json.dumps(instrument.kind)


def test_an_x_ray_says_the_prompt_back(tmp_path):
    form = form_of("qwen3", "")
    ids = prompt(make_xray(form, 1), "Is <|im_end|> a token?")
    xray = make_xray(form, len(ids))
    write_huggingface(xray, tmp_path)
    job = {"directory": str(tmp_path), "dtype": "float32", "do": "generate", "prompts": [ids], "max_new_tokens": 400}
    ((said,),) = ask([job | {"temperature": 0}])
    assert said[-1] == xray.vocabulary.eos_id
    assert xray.read(xray.vocabulary.decode(said[:-1])) == ids
