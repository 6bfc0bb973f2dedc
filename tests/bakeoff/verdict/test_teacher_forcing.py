"""Forced along the reference's outputs, arms tell margins and how far their numbers agree, by part of the call."""

import math

import numpy as np
import pytest
from tests.support.bakeoff_traces import changed, trace, write

from callwright.bakeoff.verdict.compare import compare
from callwright.bakeoff.verdict.teacher_forcing import ForcedArms, ForcedModel
from callwright.bakeoff.verdict.terminal import print_verdict
from callwright.engines.byte_tokenizer import ByteTokenizer
from callwright.evaluation.row import RowCall
from callwright.formats import get_format

FMT = get_format("xml")
TOKENIZER = ByteTokenizer(FMT)
URL = "http://127.0.0.1:8080/completion"


def output_of(key):
    """The second step's call under a key, as the format writes it."""
    call = RowCall(name="memory_write", arguments={key: "The Matrix"})
    text = f'<tool_call>\n{{"name": "{call.name}", "args": {{"{key}": "The Matrix"}}}}\n</tool_call>'
    ids = tuple(TOKENIZER.encode(f"{text}<end_of_turn>", control=True))
    return {"raw": text, "output_ids": ids, "strict_calls": (call,), "prompt_ids": (1, 2, 3)}


OURS, THEIRS = output_of("film"), output_of("fish")
PLACE = next(n for n, (a, b) in enumerate(zip(OURS["output_ids"], THEIRS["output_ids"], strict=False)) if a != b)


class FakeModel:
    """A model that prefers each token by 10 logits, but at one place of one output by a margin alone."""

    def __init__(self, at, token, margin):
        self.at, self.token, self.margin = at, token, margin
        self.asked = 0

    def logits(self, forced):
        self.asked += 1
        logits = np.zeros((len(forced.output), TOKENIZER.vocab_size), np.float32)
        logits[np.arange(len(forced.output)), list(forced.output)] = 10.0
        if forced.output == OURS["output_ids"]:
            logits[self.at, self.token] = 10.0 - self.margin
        return logits


@pytest.fixture
def directory(tmp_path):
    """A reference and an arm that takes another token in the second step."""
    served = in_bytes(trace("llamacpp-raw", url=URL))
    served = changed(served, 1, **THEIRS | {"runtime_calls": None})
    return write(tmp_path, changed(in_bytes(trace("jax")), 1, **OURS), served)


def in_bytes(whole):
    """The trace with ids that the tokenizer knows."""
    for number, step in enumerate(whole.steps):
        whole = changed(whole, number, output_ids=tuple(TOKENIZER.encode(step.raw)), prompt_ids=(1, 2, 3))
    return whole


def forced(margin, *, other=True):
    token = THEIRS["output_ids"][PLACE]
    models = {"jax": FakeModel(PLACE, token, margin)}
    if other:
        models["llamacpp-raw"] = FakeModel(PLACE, token, -0.5)
    return models, ForcedArms({name: ForcedModel(model) for name, model in models.items()}, FMT, TOKENIZER)


def test_the_margin_of_the_reference_is_told_with_the_finding(directory):
    _, arms = forced(0.75)
    (finding,) = compare(directory, "jax", arms).findings
    assert (finding.cause, finding.rounding) == ("quantization", False)
    assert finding.numbers["margin"] == pytest.approx(0.75, abs=1e-5)
    assert finding.numbers["token"] == PLACE


def test_an_arm_that_parts_where_rounding_decides_is_faithful_where_margins_allow(directory):
    _, arms = forced(0.01)
    verdict = compare(directory, "jax", arms)
    assert verdict.findings[0].rounding
    assert verdict.sentence == "llamacpp-raw is faithful to jax, where margins allow."
    assert verdict.arms[1].judgment == "faithful within rounding"
    assert verdict.arms[1].parted == 0


def test_agreement_is_told_by_part_of_the_call(directory, capsys):
    models, arms = forced(0.75)
    verdict = compare(directory, "jax", arms)
    found = dict(verdict.arms[1].agreement)
    steps = in_bytes(trace("jax")).steps
    assert found["positions"] == sum(len(s.output_ids) for s in (steps[0], steps[2])) + len(OURS["output_ids"])
    assert found["same_top.keys"] < 1.0 == found["same_top.name"]
    assert 0 < found["mean_kl"] < found["mean_kl.keys"]
    assert all(math.isfinite(number) for number in found.values())
    assert models["jax"].asked == 3, "an output is forced once"
    print_verdict(verdict)
    assert f"the same likeliest token at {100 * found['same_top']:.1f}%, mean KL" in capsys.readouterr().out


def test_an_arm_that_cannot_be_forced_has_margins_and_no_agreement(directory):
    _, arms = forced(0.75, other=False)
    verdict = compare(directory, "jax", arms)
    assert not verdict.arms[1].agreement
    assert "margin" in verdict.findings[0].numbers


def test_a_token_beyond_the_likeliest_bounds_the_margin(directory):
    _, arms = forced(20.0)
    (finding,) = compare(directory, "jax", arms).findings
    assert (finding.cause, finding.kind) == ("sampler", "margin")
    assert finding.numbers["margin_is_a_bound"] == 1
