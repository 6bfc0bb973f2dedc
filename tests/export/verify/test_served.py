"""A server is asked for one token at each place of an output; what it says is compared with the reference."""

from contextlib import contextmanager

import numpy as np
import pytest
from tests.support.canned_server import Canned, as_json, canned_server
from tests.support.tiny import tiny_tokenizer

from callwright.errors import WorkError
from callwright.export.verify.forced import forced_ids
from callwright.export.verify.likeliest import COUNT, likeliest
from callwright.export.verify.served import ForcedCompletion, check_served
from callwright.formats import get_format

PROMPT, OUTPUT = [2, 40, 41], [50, 51, 52, 9]
FORCED = forced_ids(PROMPT, OUTPUT, get_format("xml"), tiny_tokenizer(), "one")


class Model:
    """Logits that depend on the tokens before alone."""

    def __init__(self, noise=0.0):
        self._noise = noise

    def after(self, ids):
        draw = np.random.default_rng(sum(ids) + len(ids))
        return draw.normal(0, 3, 512) + self._noise * np.random.default_rng(len(ids)).normal(0, 1, 512)

    def logits(self, forced):
        places = range(len(forced.output))
        return np.array([self.after([*forced.prompt, *forced.output[:n]]) for n in places], np.float32)


@contextmanager
def served(answer):
    with canned_server(answer) as url, ForcedCompletion(url, tiny_tokenizer()) as client:
        yield client


def llama(model, asked=None):
    def answer(path, body):
        if asked is not None:
            asked.append(body)
        [found] = likeliest(model.after(body["prompt"])[None])
        listed = [{"id": id_, "logprob": logprob} for id_, logprob in found.logprobs.items()]
        return as_json({"completion_probabilities": [{"id": 1, "top_logprobs": listed}]})

    return served(answer)


def test_each_place_is_asked_with_what_stands_before_it():
    asked = []
    with llama(Model(), asked) as client:
        check = check_served(Model(), client, [FORCED], "f32")
    assert check.passed, check.detail
    assert [body["prompt"] for body in asked] == [[*PROMPT, *OUTPUT[:n]] for n in range(4)]
    assert {body["n_probs"] for body in asked} == {COUNT}
    assert all(body["cache_prompt"] for body in asked)
    assert check.numbers["positions"] == 4
    assert check.numbers["mean_kl"] < 1e-6


def test_the_drawn_token_is_a_letter_whatever_the_model_would_say():
    asked = []
    with llama(Model(), asked) as client:
        list(client.forced(FORCED))
    [[letter, bias]] = asked[0]["logit_bias"]
    assert tiny_tokenizer().decode([letter]) == "a"
    assert bias > 100


def test_numbers_that_are_rounded_more_than_their_kind_explains_fail_and_name_the_prompt():
    with llama(Model(noise=0.3)) as client:
        assert check_served(Model(), client, [FORCED], "q4_k_m").passed
        check = check_served(Model(), client, [FORCED], "f16")
    assert not check.passed
    assert check.name == "F16 in llama.cpp"
    assert "(in one)" in check.detail


def test_nothing_compared_is_no_success():
    with llama(Model()) as client:
        assert not check_served(Model(), client, [], "f16").passed


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (as_json({"content": "a"}), r"64 likeliest tokens from llama.cpp, at token 0 of one"),
        (as_json({"completion_probabilities": [{"top_logprobs": [{"id": 1}]}]}), "64 likeliest"),
        (as_json({"error": {"message": "the request exceeds"}}, status=400), "the request exceeds"),
        (Canned(b"<html>", kind="text/html"), "expected JSON"),
        (Canned(status=0), "no answer"),
    ],
)
def test_a_server_that_answers_otherwise_is_an_error_in_one_line(answer, said):
    with served(answer) as client, pytest.raises(WorkError, match=said) as caught:
        list(client.forced(FORCED))
    assert "\n" not in str(caught.value)
