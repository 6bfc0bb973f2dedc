"""What prompts begin with alike is computed once, and nothing else changes: tokens, draws and ends are the same."""

import jax.numpy as jnp
import numpy as np
import pytest

from callwright.engines.jax import JaxEngine
from callwright.engines.prefixes import arrange
from callwright.engines.sampling import GREEDY, SamplingParams
from callwright.models.forward import empty_cache, forward, logits
from callwright.models.load import load_model, make_mesh, parameters

NEW = 65
WINDOW = 16


@pytest.fixture(scope="module")
def params(tiny_model):
    """Layers louder than the tied embedding, which would say its own token for ever."""
    found = load_model(tiny_model, make_mesh())
    for layer in found.layers:
        for norm in (layer.post_attention_norm, layer.post_ffw_norm):
            norm.scale.set_value(norm.scale.get_value() + 3)
    return parameters(found)


@pytest.fixture(scope="module")
def make_engines(tiny_model, params):
    """An engine that shares prefixes and one that does not."""

    def make(*stops, dtype=None):
        common = {"stop_ids": stops, "pad_id": 0, "dtype": dtype}
        return [JaxEngine(params, tiny_model.config, share_prefixes=share, **common) for share in (True, False)]

    return make


@pytest.fixture(scope="module")
def engines(make_engines):
    return make_engines()


def prompts_of(seed, groups=2, rows=4):
    """Prompts of some groups in any order: prefixes and rests shorter and longer than the window."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(groups):
        prefix = [2, *draw.integers(6, 512, draw.integers(49, 63)).tolist()]
        found += [prefix + draw.integers(6, 512, size).tolist() for size in (1, *draw.integers(17, 32, rows - 1))]
    return [found[index] for index in draw.permutation(len(found))]


def first_difference(one, other):
    pairs = zip(one.token_ids, other.token_ids, strict=False)
    return next(((a, b) for a, b in pairs if a != b), None)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_the_same_tokens_are_generated_as_without_sharing(engines, temperature):
    differences = []
    for seed in range(4):
        prompts = prompts_of(seed)
        assert max(arrange(prompts, NEW).prefixes) > 2 * WINDOW
        sampling = SamplingParams(temperature=temperature, seed=seed)
        shared, alone = (engine.generate(prompts, max_new_tokens=NEW, sampling=sampling) for engine in engines)
        assert len({generation.token_ids for generation in shared}) == len(prompts)
        differences += [first_difference(*pair) for pair in zip(shared, alone, strict=True) if pair[0] != pair[1]]
    if temperature == 0:
        assert differences == []
    else:  # of 2,048 draws, one may fall so close to the border of two neighbors that round-off decides
        assert len(differences) <= 1 and all(found and abs(found[0] - found[1]) == 1 for found in differences)


@pytest.mark.slow
def test_completions_of_equal_prompts_are_the_same_as_without_sharing(engines):
    one, other = prompts_of(9)[:2]
    prompts = [one, other] * 4
    assert {len(one) - 1, len(other) - 1} == set(arrange(prompts, NEW).prefixes)
    sampling = SamplingParams(temperature=1.0, seed=3)
    shared, alone = (engine.generate(prompts, max_new_tokens=NEW, sampling=sampling) for engine in engines)
    assert shared == alone
    assert len({generation.token_ids for generation in shared}) == len(prompts)


@pytest.mark.slow
def test_dropping_finished_rows_and_groups_changes_no_other_row(make_engines, engines):
    """Stop tokens end half of the rows early, among them all of one group; the others go on as if they had not."""
    prompts = prompts_of(5)
    sampling = SamplingParams(temperature=1.0, seed=7)
    free = engines[0].generate(prompts, max_new_tokens=NEW, sampling=sampling)
    ending = sorted(range(len(prompts)), key=lambda number: prompts[number])[:5]
    stops = [free[number].token_ids[1 + place] for place, number in enumerate(ending)]
    for engine in make_engines(*stops):
        for number, generation in enumerate(engine.generate(prompts, max_new_tokens=NEW, sampling=sampling)):
            ids = free[number].token_ids
            end = next((place for place, token in enumerate(ids) if token in stops), NEW)
            assert generation.token_ids == ids[:end]
            assert generation.stop_id == (ids[end] if end < NEW else None)


@pytest.mark.slow
def test_in_bfloat16_the_first_other_token_was_nearly_as_likely(make_engines, params, tiny_model):
    engines = make_engines(dtype=jnp.bfloat16)
    assert engines[0].params["final_norm"]["scale"].dtype == jnp.bfloat16
    config, differences = tiny_model.config, 0
    for seed in range(6):
        prompts = prompts_of(seed)
        shared, alone = (engine.generate(prompts, max_new_tokens=NEW, sampling=GREEDY) for engine in engines)
        for prompt, one, other in zip(prompts, shared, alone, strict=True):
            pairs = zip(one.token_ids, other.token_ids, strict=False)
            place = next((place for place, (a, b) in enumerate(pairs) if a != b), None)
            if place is None:
                continue
            differences += 1
            tokens = np.zeros((1, 168), np.int32)
            ids = [*prompt, *other.token_ids[:place]]
            tokens[0, : len(ids)] = ids
            cache = empty_cache(config, 1, 168, jnp.bfloat16)
            hidden, _ = forward(engines[1].params, config, tokens, np.int32(0), np.zeros(1, np.int32), cache)
            scores = np.asarray(logits(engines[1].head, hidden[0, len(ids) - 1]))
            assert abs(scores[one.token_ids[place]] - scores[other.token_ids[place]]) < 0.1
    assert differences, "a test that never sees a difference shows little"


def test_a_greedy_output_that_repeats_itself_ends_there_and_a_drawn_one_does_not(tiny_model):
    """Without louder layers the tied embedding says its own token again and again."""
    plain = parameters(load_model(tiny_model, make_mesh()))
    prompts = prompts_of(2)
    engine = JaxEngine(plain, tiny_model.config, stop_ids=(), pad_id=0)
    found = engine.generate(prompts, max_new_tokens=NEW, sampling=GREEDY)
    assert {generation.finish_reason for generation in found} >= {"loop"}
    cut = engine.generate(prompts, max_new_tokens=NEW, sampling=SamplingParams(temperature=1e-6, seed=0))
    for looping, limited in zip(found, cut, strict=True):
        assert limited.token_ids[: len(looping.token_ids)] == looping.token_ids
        assert (limited.finish_reason, len(limited.token_ids)) == ("length", NEW)
        assert looping.finish_reason == "length" or len(looping.token_ids) >= 64
