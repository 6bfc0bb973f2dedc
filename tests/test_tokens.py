"""Segments become ids that keep their kind, their place and, where nothing must cut them, their whole words."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.tiny import tiny_tokenizer

from callwright.tokens import Segment, encode_segments

PIECES = st.sampled_from(["weather", "tool_call", "<bos>", "<end_of_turn>", "\n", " ", "wea", "ther", "ü", ""])
SEGMENTS = st.lists(
    st.builds(Segment, st.lists(PIECES, max_size=3).map("".join), st.booleans(), st.booleans()), max_size=6
)


@given(SEGMENTS)
def test_the_ids_say_the_segments_texts(segments):
    ids, supervised = encode_segments(tiny_tokenizer(), segments)
    assert tiny_tokenizer().decode(ids) == "".join(segment.text for segment in segments)
    assert len(supervised) == len(ids)


@given(SEGMENTS)
def test_what_is_trained_is_exactly_the_trained_segments(segments):
    tokenizer = tiny_tokenizer()
    ids, supervised = encode_segments(tokenizer, segments)
    said = tokenizer.decode([id_ for id_, learn in zip(ids, supervised, strict=True) if learn])
    assert said == "".join(segment.text for segment in segments if segment.supervised)


@given(SEGMENTS)
def test_only_control_segments_make_control_tokens(segments):
    tokenizer = tiny_tokenizer()
    ids, _ = encode_segments(tokenizer, segments)
    for marker in ("<bos>", "<end_of_turn>"):
        written = "".join(segment.text if segment.control else " " for segment in segments).count(marker)
        assert ids.count(tokenizer.token_id(marker)) == written


def test_a_word_cut_by_the_edge_of_two_segments_of_one_kind_is_still_one_word():
    tokenizer = tiny_tokenizer()
    ids, _ = encode_segments(tokenizer, [Segment("wea"), Segment("ther")])
    assert ids == tokenizer.encode("weather")
    assert ids != tokenizer.encode("wea") + tokenizer.encode("ther")


def test_where_the_model_begins_to_speak_always_cuts():
    tokenizer = tiny_tokenizer()
    ids, supervised = encode_segments(tokenizer, [Segment("wea"), Segment("ther", supervised=True)])
    assert ids == tokenizer.encode("wea") + tokenizer.encode("ther")
    assert supervised == [False] * len(tokenizer.encode("wea")) + [True] * len(tokenizer.encode("ther"))


def test_an_empty_segment_changes_nothing():
    tokenizer = tiny_tokenizer()
    segments = [Segment("wea"), Segment("", control=True), Segment("", supervised=True), Segment("ther")]
    assert encode_segments(tokenizer, segments) == encode_segments(tokenizer, [Segment("weather")])


def test_nothing_becomes_nothing():
    assert encode_segments(tiny_tokenizer(), []) == ([], [])
