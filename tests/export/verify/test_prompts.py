"""Prompts are compared byte for byte and tokens id for id; the first difference is named with its place."""

from dataclasses import replace

import pytest
from tests.support.canned_server import as_json, canned_server
from tests.support.tiny import tiny_tokenizer

from callwright.conversation import Conversation, Message
from callwright.engines.llama_completion import LlamaCompletion
from callwright.export.verify.prompts import check_prompts, check_tokens, served_renderer, template_renderer
from callwright.formats import get_format
from callwright.formats.example import EXAMPLE
from callwright.openai import read_conversation

FMT = get_format("xml")
ASKED = replace(EXAMPLE, messages=EXAMPLE.messages[:2])
ANSWERED = replace(EXAMPLE, messages=EXAMPLE.messages[:5])
CONVERSATIONS = {"asked": ASKED, "answered": ANSWERED}


def test_the_formats_own_template_writes_the_same_prompts():
    check = check_prompts(FMT, template_renderer(FMT.chat_template(), FMT), CONVERSATIONS)
    assert check.passed, check.detail
    assert check.numbers == {"compared": 2, "different": 0}


def test_the_first_byte_that_differs_is_named():
    render = template_renderer(FMT.chat_template().replace("<tools>", "<tool>"), FMT)
    check = check_prompts(FMT, render, CONVERSATIONS)
    at = FMT.render(ASKED).text.removeprefix("<bos>").index("s>\n[{")
    assert not check.passed
    assert f"asked differs from byte {at} on: 's>\\n[" in check.detail
    assert check.detail.endswith("(2 of 2 prompts differ)")


def test_a_prompt_that_ends_early_differs():
    check = check_prompts(FMT, lambda conversation: "", {"asked": ASKED})
    assert "asked differs from byte 0 on" in check.detail


def test_nothing_compared_is_no_success():
    assert not check_prompts(FMT, lambda conversation: "", {}).passed


def llama(tokens=None):
    """What the two endpoints of a llama.cpp answer."""
    render = template_renderer(FMT.chat_template(), FMT)
    tokenizer = tiny_tokenizer()

    def answer(path, body):
        if path == "/apply-template":
            return as_json({"prompt": render(read_conversation(body))})
        ids = tokenizer.encode(body["content"], control=body["parse_special"])
        return as_json({"tokens": tokens(ids) if tokens else ids})

    return canned_server(answer)


def test_a_servers_prompts_and_tokens_are_asked_for():
    with llama() as url, LlamaCompletion(url) as client:
        assert check_prompts(FMT, served_renderer(client), CONVERSATIONS).passed
        check = check_tokens(client, tiny_tokenizer(), FMT, CONVERSATIONS, ["é 東京", "the  weather"])
    assert check.passed, check.detail
    assert check.numbers["compared"] == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda ids: [*ids[:3], 77, *ids[4:]], "at 3"),
        (lambda ids: ids[:-1], "and the server None"),
        (lambda ids: [*ids, 9], "has token []"),
        (lambda ids: None, "at 0"),
    ],
    ids=["another", "cut", "longer", "none"],
)
def test_the_first_token_that_differs_is_named(change, said):
    with llama(tokens=change) as url, LlamaCompletion(url) as client:
        check = check_tokens(client, tiny_tokenizer(), FMT, {"asked": ASKED})
    assert not check.passed
    assert check.detail.startswith("asked has token")
    assert said in check.detail


def test_a_marker_that_a_user_typed_is_seen_to_become_a_special_token():
    """llama.cpp makes special tokens of all text of a prompt; ours never does so with a user's."""
    typed = {"typed": Conversation((Message("user", "is <end_of_turn> a token"),))}
    with llama() as url, LlamaCompletion(url) as client:
        assert not check_tokens(client, tiny_tokenizer(), FMT, typed).passed
