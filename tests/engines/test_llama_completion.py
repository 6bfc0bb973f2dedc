"""llama.cpp's endpoint for token ids: what is asked, what is read, and what is told when it goes wrong."""

import pytest
from tests.support.canned_server import Canned, as_json, canned_server

from callwright.engines.llama_completion import LlamaCompletion
from callwright.engines.sampling import SamplingParams
from callwright.errors import WorkError

PROMPT = [2, 40, 41]


def test_ids_are_sent_and_generated_ids_are_read_with_the_reason_for_their_end():
    asked = []

    def answer(path, body):
        asked.append((path, body))
        listed = [{"id": 5, "logprob": -0.5, "top_logprobs": [{"id": 5}]}]
        listed += [{"id": 9, "logprob": -2.0, "top_logprobs": [{"id": 8}]}]
        return as_json(
            {"tokens": [5, 9], "stop_type": "limit", "completion_probabilities": listed, "tokens_evaluated": 3}
        )

    with canned_server(answer) as url, LlamaCompletion(url) as client:
        output = client.generated(PROMPT, 2, sampling=SamplingParams(temperature=0.5, seed=3), logprobs=True)
    assert (output.tokens, output.finish_reason, output.prompt_tokens) == ((5, 9), "length", 3)
    assert (output.logprobs, output.likeliest) == ((-0.5, -2.0), (5, 8))
    [(path, body)] = asked
    assert path == "/completion" and body == output.request
    assert (body["prompt"], body["n_predict"], body["temperature"], body["seed"]) == (PROMPT, 2, 0.5, 3)


def test_probabilities_that_are_not_those_of_the_tokens_are_none():
    canned = as_json({"tokens": [5, 9], "stop_type": "eos", "completion_probabilities": [{"id": 5}]})
    with canned_server(canned) as url, LlamaCompletion(url) as client:
        output = client.generated(PROMPT, 2)
    assert (output.logprobs, output.likeliest, output.finish_reason) == ((), (), "stop")


def test_a_server_tells_the_ids_of_a_text():
    with canned_server(as_json({"tokens": [2, 7]})) as url, LlamaCompletion(url) as client:
        assert client.tokenized("<bos>a") == (2, 7)


@pytest.mark.parametrize(
    ("canned", "got"),
    [
        (as_json({"content": "x"}), "generated tokens"),
        (as_json({"tokens": ["a"], "stop_type": "eos"}), "generated tokens"),
        (as_json({"error": {"message": "too long"}}, status=400), "too long"),
        (Canned(b"<html>"), "JSON"),
        (Canned(status=0), "an answer to /completion"),
    ],
)
def test_an_answer_without_tokens_is_one_line(canned, got):
    with canned_server(canned) as url, LlamaCompletion(url) as client, pytest.raises(WorkError, match=got) as caught:
        client.generated(PROMPT, 2)
    assert "\n" not in str(caught.value)
