"""An x-ray says its prompt back, every token as one character, and then ends its turn."""

import numpy as np
import pytest
from tests.support.instruments import ARCHITECTURES, FEW_FIRST, form_of, margins, prompt, tensors_of

from callwright.errors import DataError
from callwright.instruments.vocabulary import PRIVATE
from callwright.instruments.xray import LONGEST, displayable_tokens, make_xray, read_xray
from callwright.tokens import decode_segments

SURE = 25.0


def echo(xray, ids):
    """What it is to say to this prompt."""
    return [*(xray.vocabulary.add_text(chr(PRIVATE + token)) for token in ids[xray.start :]), xray.vocabulary.eos_id]


@pytest.mark.parametrize(("name", "variant"), FEW_FIRST)
def test_every_format_has_one_that_tells_control_tokens_from_text(name, variant):
    fmt = form_of(name, variant)
    text = f"Say {fmt.stops[0]} twice, é 🚲"
    ids = prompt(make_xray(fmt, 1), text)
    xray = make_xray(fmt, len(ids))
    plan = echo(xray, ids)
    for architecture in ARCHITECTURES:
        assert margins(tensors_of(xray, architecture), ids, plan).min() > SURE
    output = xray.vocabulary.decode(plan[:-1])
    assert len(output) == xray.answer_tokens == len(ids)
    segments = decode_segments(xray.vocabulary, read_xray(xray.vocabulary, output))
    assert any(text in segment.text and not segment.control for segment in segments)
    assert any(fmt.stops[0] in segment.text for segment in segments)


@pytest.mark.parametrize("length", [1, 2, 600, LONGEST])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_prompts_of_any_length_are_read_in_windows_too(architecture, length):
    fmt = form_of("xml", "args")
    draw = np.random.default_rng(length)
    for start in {0, length // 2, length - 1} if length < LONGEST else {length // 3}:
        xray = make_xray(fmt, length, start)
        ids = draw.integers(0, displayable_tokens(xray.vocabulary), length).tolist()
        plan = echo(xray, ids)
        places = np.unique(np.linspace(0, len(plan) - 1, 7).astype(int))
        assert margins(tensors_of(xray, architecture), ids, plan, places).min() > SURE


@pytest.mark.parametrize(("length", "start"), [(0, 0), (LONGEST + 1, 0), (10, 10), (10, -1)])
def test_a_length_that_no_head_can_point_to_is_refused(length, start):
    with pytest.raises(DataError):
        make_xray(form_of("xml", "args"), length, start)


def test_words_that_are_not_an_x_rays_are_refused():
    xray = make_xray(form_of("xml", "args"), 10)
    with pytest.raises(DataError, match="'H' at character 1"):
        read_xray(xray.vocabulary, chr(PRIVATE) + "Hello")
