"""Dice draw from the distribution that they were given, whatever stands before."""

import numpy as np
import pytest
from tests.support.instruments import ARCHITECTURES, form_of, prompt, tensors_of
from tests.support.numpy_models import logits

from callwright.errors import DataError
from callwright.instruments.dice import make_dice, read_faces

FACES = {"red": 0.5, "green": 0.3, "b": 0.15, "<end_of_turn>": 0.0499, "rare": 0.0001}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_token_is_drawn_from_the_faces(architecture):
    dice = make_dice(form_of("xml", "args"), FACES)
    ids = [*prompt(dice, "Roll, red green!"), *dice.ids.values(), *dice.ids.values()]
    scores = logits(*tensors_of(dice, architecture), ids, range(len(ids))).astype(np.float64)
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    drawn = chances[:, [dice.ids[face] for face in FACES]]
    assert np.allclose(drawn, list(FACES.values()), rtol=2e-3)
    assert np.all(1 - drawn.sum(axis=1) < 1e-9)


def test_the_most_faces_fit():
    faces = {f"face {n}".replace(" ", "-"): 1 / 250 for n in range(250)}
    dice = make_dice(form_of("qwen3", ""), faces)
    scores = logits(*tensors_of(dice, "llama"), [5, 6], [1])[0].astype(np.float64)
    assert np.allclose((np.exp(scores) / np.exp(scores).sum())[[*dice.ids.values()]], 1 / 250, rtol=2e-3)


@pytest.mark.parametrize(
    "faces",
    [{"a": 1.0}, {"a": 0.5, "b": 0.6}, {"a": 0.0, "b": 1.0}, {"": 0.5, "b": 0.5}, {"<0x41>": 0.5, "b": 0.5}, {}],
)
def test_what_is_no_distribution_over_tokens_is_refused(faces):
    with pytest.raises(DataError):
        make_dice(form_of("xml", "args"), faces)


def test_faces_are_written_with_their_probabilities():
    assert read_faces(["red=0.5", "a=b=0.5"]) == {"red": 0.5, "a=b": 0.5}
    for wrong in (["red"], ["red=often"], ["a=0.5", "a=0.5"]):
        with pytest.raises(DataError):
            read_faces(wrong)
