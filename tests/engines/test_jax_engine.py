"""The engine says what the model would say, for every row as if it were alone, and draws what the softmax says."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from flax import nnx

from callwright.engines.jax import JaxEngine
from callwright.engines.sampling import PURE, SamplingParams
from callwright.errors import ConfigError
from callwright.models.load import load_model, make_mesh, parameters

GREEDY = SamplingParams()
NEW = 24
COOL = 0.35
DRAW = np.random.default_rng(11)
# Shorter than the sliding window of 16, about as long, and longer: the first two leave it while they generate.
PROMPTS = [[2, *DRAW.integers(6, 512, size).tolist()] for size in (4, 13, 30, 7, 21)]


@pytest.fixture(scope="module")
def model(tiny_model):
    """Tunix's model, its layers made louder than the tied embedding, which would say its own token for ever."""
    found = load_model(tiny_model, make_mesh())
    for layer in found.layers:
        for norm in (layer.post_attention_norm, layer.post_ffw_norm):
            norm.scale.set_value(norm.scale.get_value() + 3)
    return found


@pytest.fixture(scope="module")
def make_engine(tiny_model, model):
    return lambda *stops: JaxEngine(parameters(model), tiny_model.config, stop_ids=stops, pad_id=0)


@pytest.fixture(scope="module")
def engine(make_engine):
    return make_engine()


@pytest.fixture(scope="module")
def next_logits(model):
    """Tunix's logits of the token after a sequence, the whole of it run again without a cache."""
    length = 64
    positions = np.arange(length)[None]
    causal = np.tril(np.ones((1, length, length), bool))
    run = nnx.jit(lambda model, *inputs: model(*inputs)[0])

    def after(ids):
        tokens = np.zeros((1, length), np.int32)
        tokens[0, : len(ids)] = ids
        return np.asarray(run(model, tokens, positions, None, causal))[0, len(ids) - 1]

    return after


@pytest.fixture(scope="module")
def output(engine):
    """What the engine says to all prompts in one batch, never stopping."""
    return engine.generate(PROMPTS, max_new_tokens=NEW, sampling=GREEDY)


def test_greedy_decoding_says_what_running_the_whole_sequence_again_would(output, next_logits):
    for prompt, generation in zip(PROMPTS, output, strict=True):
        ids = list(prompt)
        for token in generation.token_ids:
            assert token == int(next_logits(ids).argmax())
            ids.append(token)
        assert len(ids) == len(prompt) + NEW
        assert len(set(generation.token_ids)) > 3, "a continuation that repeats itself shows little"


def test_neighbors_and_padding_change_nothing(engine, output):
    for prompt, generation in zip(PROMPTS, output, strict=True):
        assert engine.generate([prompt], max_new_tokens=NEW, sampling=GREEDY) == [generation]
    backwards = engine.generate(PROMPTS[::-1], max_new_tokens=NEW, sampling=GREEDY)
    assert backwards[::-1] == output
    exact, long = ([2, *DRAW.integers(6, 512, size - 1).tolist()] for size in (128, 128 + 13))
    unpadded = engine.generate([exact], max_new_tokens=NEW, sampling=GREEDY)
    assert engine.generate([long, exact, *PROMPTS], max_new_tokens=NEW, sampling=GREEDY)[1:] == [*unpadded, *output]


def test_the_token_limit_cuts_and_says_so(output, engine):
    assert {generation.finish_reason for generation in output} == {"length"}
    assert {generation.stop_id for generation in output} == {None}
    (short,) = engine.generate(PROMPTS[:1], max_new_tokens=5, sampling=GREEDY)
    assert short.token_ids == output[0].token_ids[:5]


def test_a_stop_token_ends_its_row_and_no_other(make_engine, output):
    stops = (output[0].token_ids[6], output[2].token_ids[9])
    engine = make_engine(*stops)
    reasons = set()
    for unstopped, generation in zip(
        output, engine.generate(PROMPTS, max_new_tokens=NEW, sampling=GREEDY), strict=True
    ):
        places = [place for place, token in enumerate(unstopped.token_ids) if token in stops]
        if places:
            assert generation.token_ids == unstopped.token_ids[: places[0]]
            assert (generation.finish_reason, generation.stop_id) == ("stop", unstopped.token_ids[places[0]])
        else:
            assert generation == unstopped
        reasons.add(generation.finish_reason)
    assert reasons == {"stop", "length"}


def test_a_stop_token_that_comes_last_is_a_stop(make_engine, output):
    first = next(n for n in range(1, NEW) if output[0].token_ids[n] not in output[0].token_ids[:n])
    stop = output[0].token_ids[first]
    engine = make_engine(stop)
    (generation,) = engine.generate(PROMPTS[:1], max_new_tokens=first + 1, sampling=GREEDY)
    assert (generation.token_ids, generation.finish_reason) == (output[0].token_ids[:first], "stop")


def test_the_same_seed_draws_the_same_and_another_seed_another(engine):
    same, again, other = (
        engine.generate(PROMPTS, max_new_tokens=NEW, sampling=SamplingParams(temperature=1.0, seed=seed))
        for seed in (3, 3, 4)
    )
    assert same == again
    assert all(one != two for one, two in zip(same, other, strict=True))


def test_what_the_engine_cannot_do_is_refused_and_what_does_nothing_is_not(engine):
    for option in ({"top_k": 40}, {"top_p": 0.9}, {"min_p": 0.05}, {"repeat_penalty": 1.1}):
        with pytest.raises(ConfigError, match=next(iter(option))):
            engine.generate(PROMPTS, max_new_tokens=NEW, sampling=SamplingParams(**option))
    plain = engine.generate(PROMPTS, max_new_tokens=NEW, sampling=SamplingParams(temperature=1.0))
    assert engine.generate(PROMPTS, max_new_tokens=NEW, sampling=PURE) == plain


def test_rows_of_one_prompt_draw_apart(engine):
    rows = engine.generate(PROMPTS[:1] * 8, max_new_tokens=NEW, sampling=SamplingParams(temperature=1.0))
    assert len({row.token_ids for row in rows}) == 8


def test_every_token_is_drawn_anew(engine):
    flat = SamplingParams(
        temperature=1e6
    )  # every token is as likely as the others, so repeated draws would repeat tokens
    rows = [row.token_ids for row in engine.generate(PROMPTS, max_new_tokens=NEW, sampling=flat)]
    assert all(len(set(row)) > NEW * 3 // 4 for row in rows)
    assert len({token for row in rows for token in row}) > len(rows) * NEW * 3 // 4


@pytest.fixture(scope="module")
def draws(engine):
    """Two tokens for each of 320 rows of one prompt, at a low temperature."""
    rows = engine.generate(PROMPTS[:1] * 320, max_new_tokens=2, sampling=SamplingParams(temperature=COOL))
    return np.array([row.token_ids for row in rows])


def p_value(tokens, scores, temperature):
    """Of a chi-square test that the tokens were drawn from the softmax; rare tokens share bins of 10 or more."""
    expected = len(tokens) * scipy.special.softmax(scores.astype(np.float64) / temperature)
    order = np.argsort(-expected)
    bins = np.minimum(np.cumsum(expected[order]) // 10, (len(tokens) // 10) - 1).astype(int)
    counts = np.bincount(tokens, minlength=len(scores))[order]
    pairs = [(counts[bins == index].sum(), expected[order][bins == index].sum()) for index in np.unique(bins)]
    observed, wanted = zip(*pairs, strict=True)
    return scipy.stats.chisquare(observed, wanted).pvalue


def test_tokens_are_drawn_from_the_softmax_at_the_temperature(draws, next_logits):
    scores = next_logits(PROMPTS[0])
    assert p_value(draws[:, 0], scores, COOL) > 1e-3
    assert p_value(draws[:, 0], scores, 1.0) < 1e-6, "the test must be able to fail"


def test_so_is_the_token_after_the_first(draws, next_logits):
    first = np.bincount(draws[:, 0]).argmax()
    second = draws[draws[:, 0] == first, 1]
    assert len(second) >= 40
    scores = next_logits([*PROMPTS[0], int(first)])
    assert p_value(second, scores, COOL) > 1e-3


def test_a_temperature_close_to_zero_is_greedy(engine, output):
    assert engine.generate(PROMPTS, max_new_tokens=NEW, sampling=SamplingParams(temperature=1e-6, seed=9)) == output
