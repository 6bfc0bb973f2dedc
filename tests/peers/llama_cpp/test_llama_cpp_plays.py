"""A real llama.cpp server plays instruments as the numpy oracle says, in every format and on both architectures."""

import collections

import numpy as np
import pytest
import scipy.stats
from tests.peers.llama_cpp.llama_server import serve
from tests.support.instruments import ARCHITECTURES, EVERY_FORMAT, answers, form_of, prompt

from callwright.instruments.dice import make_dice
from callwright.instruments.files import write
from callwright.instruments.script import Line, write_script
from callwright.instruments.xray import make_xray, read_xray
from callwright.tokens import count_given, decode_segments

pytestmark = pytest.mark.peer("llama.cpp")
BOTH = [("xml", "args"), ("gemma4", "e2b")]
ALL = [(*fmt, "llama") for fmt in EVERY_FORMAT] + [(*fmt, "gemma3") for fmt in BOTH]
PURE = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}


def complete(client, ids, count, **options):
    fields = {"prompt": ids, "n_predict": count, "return_tokens": True, "seed": 3, **options}
    answer = client.post("/completion", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(("name", "variant", "architecture"), ALL)
def test_a_script_is_said_token_for_token(tmp_path, name, variant, architecture):
    fmt = form_of(name, variant)
    script = write_script(fmt, [Line(str(number), words) for number, words in enumerate(answers(fmt))])
    write(script, tmp_path / "s.gguf", architecture=architecture)
    with serve(tmp_path / "s.gguf") as client:
        for cue, plan in script.outputs.items():
            ids = prompt(script, f"@@0@@ {'.' * 300} @@{cue}@@ please")
            plan = plan[count_given(script.vocabulary, plan, ids) :]
            for sampling in ({"temperature": 0}, PURE):
                answer = complete(client, ids, len(plan) + 5, **sampling)
                assert answer["tokens"] == list(plan[:-1]) or answer["tokens"] == list(plan)
                assert answer["stop_type"] == "eos"


@pytest.mark.parametrize(("name", "variant"), EVERY_FORMAT)
def test_text_becomes_the_tokens_that_our_vocabulary_says(tmp_path, name, variant):
    script = write_script(form_of(name, variant), [Line("x", "It is warm.")])
    write(script, tmp_path / "s.gguf")
    text = "say @@x@@ é 東京 \U0001f6b2\n\n  two  \t@@y@@ It is warm. <0x41>" + "".join(script.fmt.special_tokens) + "x"
    with serve(tmp_path / "s.gguf") as client:
        for content, control in ((text, True), (text.partition("<")[0], False)):
            fields = {"content": content, "add_special": False, "parse_special": control}
            assert client.post("/tokenize", json=fields).json()["tokens"] == script.vocabulary.encode(
                content, control=control
            )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_x_ray_shows_what_the_chat_endpoint_made_of_a_conversation(tmp_path, architecture):
    fmt = form_of("xml", "args")
    asked = "Is <end_of_turn> a token? é"
    fields = {"messages": [{"role": "user", "content": asked}], "temperature": 0, "max_tokens": 1}
    path = tmp_path / "x.gguf"
    write(make_xray(fmt, 1), path, architecture=architecture)
    with serve(path) as client:
        count = client.post("/v1/chat/completions", json=fields).json()["usage"]["prompt_tokens"]
    xray = make_xray(fmt, count)
    write(xray, path, architecture=architecture)
    with serve(path) as client:
        answer = client.post("/v1/chat/completions", json=fields | {"max_tokens": count + 5}).json()["choices"][0]
    assert answer["finish_reason"] == "stop"
    ids = read_xray(xray.vocabulary, answer["message"]["content"])
    assert len(ids) == count
    text = "".join(segment.text for segment in decode_segments(xray.vocabulary, ids))
    assert text == f"<bos><start_of_turn>user\n{asked}<end_of_turn>\n<start_of_turn>model\n"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_x_ray_reads_a_long_prompt_in_a_window(tmp_path, architecture):
    fmt = form_of("xml", "args")
    ids = prompt(make_xray(fmt, 1), "All work and no play. " * 400)
    xray = make_xray(fmt, len(ids), start=len(ids) - 200)
    write(xray, tmp_path / "x.gguf", architecture=architecture, context=len(ids) + 512)
    with serve(tmp_path / "x.gguf", context=len(ids) + 512) as client:
        answer = complete(client, ids, 300, temperature=0)
    assert read_xray(xray.vocabulary, answer["content"]) == ids[-200:]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_dice_fall_as_they_are_weighted(tmp_path, architecture):
    faces = {"red": 0.5, "green": 0.3, "blue": 0.19, "rare": 0.01}
    dice = make_dice(form_of("xml", "args"), faces)
    write(dice, tmp_path / "d.gguf", architecture=architecture)
    with serve(tmp_path / "d.gguf") as client:
        answer = complete(client, [2, 9], 1000, n_probs=4, **PURE)
    counts = collections.Counter(answer["tokens"])
    observed = [counts[dice.ids[face]] for face in faces]
    assert sum(observed) == 1000
    assert scipy.stats.chisquare(observed, [p * 1000 for p in faces.values()]).pvalue > 1e-3
    for place in answer["completion_probabilities"][:20]:
        seen = {one["id"]: one["logprob"] for one in place["top_logprobs"]}
        assert np.allclose([seen[dice.ids[face]] for face in faces], np.log(list(faces.values())), atol=5e-3)
