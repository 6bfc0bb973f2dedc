"""A tokenizer.json that is written gives the ids of the SentencePiece model, and of the run's own tokenizer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor
from tests.support.tiny import tiny_sentencepiece, tiny_tokenizer, vocabulary
from tokenizers import Tokenizer

from callwright.conversation import Conversation, Message
from callwright.export.tokenizer_json import ROLES, tokenizer_json
from callwright.formats import get_format
from callwright.models.tokenizer import from_tokenizers
from callwright.tokens import encode_segments

TEXT = tokenizer_json(tiny_sentencepiece())
WRITTEN = Tokenizer.from_str(TEXT)
SENTENCEPIECE = SentencePieceProcessor(model_proto=tiny_sentencepiece())
PLAIN = [
    "\n",
    "\n\n",
    "\n\n\n\n",
    "  ",
    "     ",
    "\t\t",
    "<table>",
    "</b>",
    "[multimodal]",
    "<0x0A>",
    "▁",
    "<b",
    "é",
    "日",
]
MARKERS = [row[0] for row in vocabulary() if row[2] == 3]
"""Every control piece of the vocabulary."""
XML = get_format("xml/args")


def ids(text):
    return WRITTEN.encode(text, add_special_tokens=False).ids


def strings(*more):
    letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    words = st.sampled_from(["the weather in Paris", " temperature", "name", "getting", " ", *PLAIN, *more])
    return st.lists(st.one_of(letters, words)).map("".join)


@given(strings(*(marker for marker in MARKERS if marker not in ROLES.values())))
def test_ids_are_those_of_sentencepiece(text):
    assert ids(text) == SENTENCEPIECE.encode(text)


@given(strings(*MARKERS))
def test_our_own_reader_makes_the_same_tokenizer_of_it(text):
    written = from_tokenizers(TEXT)
    for control in (False, True):
        assert written.encode(text, control=control) == tiny_tokenizer().encode(text, control=control)


@given(strings().filter(lambda text: "▁" not in text))
def test_text_comes_back(text):
    assert WRITTEN.decode(ids(text)) == text


def test_a_rendered_prompt_has_the_ids_that_the_run_trained_on():
    messages = (
        Message("user", "what is the weather in Paris?"),
        Message("assistant", "the <b>tool</b>  is\n\n\ncalled"),
    )
    rendered = XML.render(Conversation(messages), add_generation_prompt=True)
    assert ids(rendered.text) == encode_segments(tiny_tokenizer(), rendered.segments)[0]


def test_a_prompt_is_opened_once_and_only_where_a_template_has_not_done_so():
    assert WRITTEN.encode("the").ids == [2, *ids("the")]
    assert WRITTEN.encode("the", "a").ids == [2, *ids("the"), 2, *ids("a")]


@pytest.mark.parametrize("marker", MARKERS)
def test_turns_are_left_out_of_text_and_other_markers_stay(marker):
    kept = marker not in (*ROLES.values(), "<start_of_turn>", "<end_of_turn>")
    (id_,) = ids(marker)
    assert WRITTEN.decode([*ids("the"), id_], skip_special_tokens=True) == ("the" + marker if kept else "the")
