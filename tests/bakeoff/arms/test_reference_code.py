"""google-deepmind/gemma itself, where its environment was built: its logits are ours, and so are its tokens."""

import asyncio

import numpy as np
import pytest
from tests.support.bakeoff import setup_of, shipped_tasks
from tests.support.logits import tree_logits

from callwright.bakeoff.arms.base import ArmOptions
from callwright.bakeoff.arms.gemma import GemmaArm
from callwright.bakeoff.arms.raw import RawPrompt
from callwright.bakeoff.gemma_environment import installed_environment
from callwright.export.trained import Trained
from callwright.formats import get_format
from callwright.models.load import load_model, make_mesh, parameters
from callwright.models.settings import LoraSettings
from callwright.models.sources import resolve_model
from callwright.models.tokenizer import load_tokenizer
from callwright.tokens import encode_segments

WORDS = ("The capital of France is", "To sort a list in Python,", "One, two, three, four,")
CLOSE = 1e-3
"""By how much logits may differ, and so the margin of two tokens by twice that."""
LIMIT = 24


@pytest.fixture(autouse=True)
def environment():
    if installed_environment() is None:
        pytest.skip("NO ENVIRONMENT OF google-deepmind/gemma: build it with `callwright bakeoff setup gemma-jax`")


@pytest.fixture
def tiny(tiny_model):
    rng = np.random.default_rng(0)
    lengths = (5, 256, 300)  # a prompt shorter than a piece, of one, and of two
    return tiny_model, [tuple(rng.integers(5, 500, length).tolist()) for length in lengths]


@pytest.fixture
def real():
    """The base model; two short texts and a whole prompt of the tasks, which is longer than the window."""
    model = resolve_model("gemma3-270m")
    tokenizer, fmt = load_tokenizer(model.directory), get_format("xml", model=model.name)
    rendered = fmt.render(shipped_tasks()[0].conversation, add_generation_prompt=True, thinking=False)
    texts = [(2, *tokenizer.encode(text)) for text in WORDS[:2]]
    return model, [*texts, tuple(encode_segments(tokenizer, rendered.segments)[0])]


@pytest.mark.slow
def test_a_tiny_models_logits_and_tokens_are_those_of_the_reference_code(tiny, tmp_path):
    agree(*tiny, tmp_path)


@pytest.mark.weights
def test_gemmas_logits_and_tokens_are_those_of_the_reference_code(real, tmp_path):
    agree(*real, tmp_path)


def agree(model, prompts, tmp_path):
    """Asks both, and compares: logits behind every token of prompt and answer, and each token with its margin."""
    fmt = get_format("xml", model=model.name)
    tokenizer = load_tokenizer(model.directory)
    trained = Trained(run=model.directory, stage=0, base=model, adapter=None, lora=LoraSettings(), format=fmt)
    setup = setup_of(model=trained, tokenizer=tokenizer, format=fmt, context=4096, seconds=300.0)

    async def ask():
        arm = GemmaArm("gemma-jax", ArmOptions(), setup)
        await arm.open()
        try:
            for number, ids in enumerate(prompts):
                output = await arm.generate(RawPrompt(shipped_tasks()[0].conversation, "", ids, LIMIT, 1))
                assert output.failure is None, output.error
                answers.append(output)
                await arm.logits((*ids, *output.ids), tmp_path / f"{number}.npy")
        finally:
            await arm.close()

    answers = []
    asyncio.run(ask())
    params = parameters(load_model(model, make_mesh(), "float32"))
    for number, (ids, output) in enumerate(zip(prompts, answers, strict=True)):
        theirs = np.load(tmp_path / f"{number}.npy", allow_pickle=False)
        ours = tree_logits(params, model.config, np.asarray([[*ids, *output.ids]]))[0]
        difference = float(np.abs(ours - theirs).max())
        behind = ours[len(ids) - 1 : -1]  # what each token of the answer was chosen from
        margins = behind.max(-1) - behind[np.arange(len(output.ids)), list(output.ids)]
        same = int((margins == 0).sum())
        print(f"{len(ids)} tokens: logits within {difference:.2g}, {same} of {len(output.ids)} tokens the same")
        assert difference < CLOSE
        assert margins.max() < 2 * CLOSE
        logprobs = behind - np.log(np.exp(behind - behind.max(-1, keepdims=True)).sum(-1, keepdims=True))
        logprobs -= behind.max(-1, keepdims=True)
        chosen = logprobs[np.arange(len(output.ids)), list(output.ids)]
        np.testing.assert_allclose(output.logprobs, chosen, atol=2 * CLOSE)
