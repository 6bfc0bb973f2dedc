"""Draws are judged rightly: a faithful server raises no alarm, and a setting that is not the one asked for is named.

The simulated servers apply their options by a loop of its own over one token after the other, so that nothing of the
judge's arithmetic is taken for granted.
"""

import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest

from callwright.engines.sampling import GREEDY, PURE, SamplingParams
from callwright.formats import get_format
from callwright.instruments.dice import make_dice
from callwright.probe.causes.registry import Cause
from callwright.probe.sampling.judge import ALARM, CANDIDATES, DEFAULTS, FACES, judge, requested_settings
from callwright.probe.sampling.statistics import DiceDraws, SamplerSettings, probabilities, split_draws

NONE = SamplingParams()
NAMES = list(FACES)


def allowed(logits, settings):
    """The probabilities, option by option, as llama.cpp's documentation tells it."""
    ranked = sorted(logits, key=logits.get, reverse=True)
    if settings.temperature == 0:
        return {ranked[0]: 1.0}
    heat = settings.temperature if settings.temperature_first else 1.0
    weights = {face: math.exp(logits[face] / heat) for face in ranked[: settings.top_k or None]}
    total = sum(weights.values())
    kept, reached = {}, 0.0
    for face, weight in weights.items():
        if reached >= settings.top_p * total and settings.top_p < 1:
            break
        kept[face] = weight
        reached += weight
    most = max(kept.values())
    kept = {face: weight for face, weight in kept.items() if weight >= settings.min_p * most}
    heat = 1.0 if settings.temperature_first else settings.temperature
    kept = {face: weight ** (1 / heat) for face, weight in kept.items()}
    total = sum(kept.values())
    return {face: weight / total for face, weight in kept.items()}


def serve(settings, count, seed, faces=FACES):
    """A server with these settings: so many draws, in one answer."""
    source = random.Random(seed)
    logits = {face: math.log(probability) for face, probability in faces.items()}
    if settings.repeat_penalty == 1:
        shares = allowed(logits, settings)
        return source.choices(list(shares), list(shares.values()), k=count)
    output = []
    for _ in range(count):
        window = set(output[-settings.window :] if settings.window else output)
        shares = allowed({f: x * settings.repeat_penalty if f in window else x for f, x in logits.items()}, settings)
        output += source.choices(list(shares), list(shares.values()))
    return output


def verdict(settings, asked=NONE, count=2000, seed=1, **options):
    return judge(FACES, asked, [serve(settings, count, seed)], **options)


SERVERS = {
    **{f"temperature {x:g}": SamplerSettings(temperature=x) for x in CANDIDATES["temperature"] if x not in (1, 0.9)},
    **{f"top-k {value}": SamplerSettings(top_k=int(value)) for value in CANDIDATES["top_k"] if value},
    **{f"top-p {value}": SamplerSettings(top_p=value) for value in CANDIDATES["top_p"] if value != 1},
    "min-p 0.1": SamplerSettings(min_p=0.1),
}


@pytest.mark.parametrize(
    "settings", [SamplerSettings(), *DEFAULTS.values(), SamplerSettings(top_k=5, top_p=0.8, min_p=0.1, temperature=0.5)]
)
@pytest.mark.parametrize("first", [False, True])
def test_the_distribution_is_the_one_that_a_loop_over_tokens_gives(settings, first):
    settings = SamplerSettings(
        **{name: getattr(settings, name) for name in SamplerSettings.__slots__} | {"temperature_first": first}
    )
    shuffled = random.Random(1).sample(NAMES, len(NAMES))
    logits = {face: math.log(FACES[face]) for face in shuffled}
    found = probabilities(np.array([list(logits.values())]), settings)[0]
    shares = allowed(logits, settings)
    assert found == pytest.approx([shares.get(face, 0.0) for face in shuffled])


@pytest.mark.parametrize("option", [{"top_p": 0.0}, {"top_p": -1.0}, {"min_p": 1.0}, {"min_p": 2.0}, {"top_k": 1}])
def test_the_likeliest_face_is_never_cut(option):
    greedy = [1.0] + [0.0] * (len(NAMES) - 1)
    assert list(probabilities(np.log([list(FACES.values())]), SamplerSettings(**option))[0]) == greedy
    assert verdict(SamplerSettings(), SamplingParams(**option)).causes
    assert not verdict(SamplerSettings(temperature=0), SamplingParams(**option)).causes


@pytest.mark.parametrize("temperature", [1e-300, 1e-9, 1e-4])
@pytest.mark.parametrize("first", [False, True])
def test_the_lowest_temperatures_leave_the_likeliest_face(temperature, first):
    settings = SamplerSettings(temperature=temperature, temperature_first=first)
    assert list(probabilities(np.log([list(FACES.values())]), settings)[0])[:2] == [1, 0]
    assert verdict(SamplerSettings(), SamplingParams(temperature=temperature), temperature_first=first).causes


@pytest.mark.parametrize("servers", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_faithful_servers_raise_no_alarm(servers):
    values = sorted(verdict(SamplerSettings(), PURE, seed=seed).p_value for seed in range(servers))
    assert values[0] >= ALARM
    assert sum(value < 0.01 for value in values) <= servers // 40  # and the p-value means what it says
    assert sum(value < 0.5 for value in values) >= servers // 4


@pytest.mark.parametrize(
    "asked",
    [
        SamplingParams(temperature=0.5),
        SamplingParams(temperature=0.7, top_k=10),
        SamplingParams(top_p=0.6, min_p=0.02),
        SamplingParams(temperature=1.3, top_k=0, top_p=1, min_p=0.1, repeat_penalty=1),
        SamplingParams(temperature=0.8, repeat_penalty=1.3),
        GREEDY,
    ],
    ids=str,
)
def test_a_server_that_does_what_it_was_asked_for_is_faithful(asked):
    for seed in range(20):
        found = verdict(requested_settings(asked), asked, count=600, seed=seed)
        assert not found.causes
        assert (found.causes, found.explanation) == ((), "")


@pytest.mark.parametrize("name", SERVERS)
def test_one_option_that_nobody_asked_for_is_named(name):
    found = verdict(SERVERS[name])
    assert found.causes
    assert found.causes == (Cause.SAMPLER_DEFAULT,)
    assert found.explanation.startswith(f"{name} (p = ")


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("asked", [NONE, SamplingParams(temperature=1.0)], ids=["nothing", "temperature"])
def test_the_defaults_of_runtimes_and_models_are_named(name, asked):
    found = verdict(DEFAULTS[name], asked)
    assert found.explanation.startswith(name)
    ignored = ["temperature-ignored"] if asked.temperature else []
    penalized = ["penalty-applied"] if DEFAULTS[name].repeat_penalty != 1 else []
    assert set(found.causes) == {*ignored, "sampler-default", *penalized}


@pytest.mark.parametrize(
    ("asked", "server", "cause"),
    [
        (SamplingParams(temperature=0.5), SamplerSettings(), "temperature-ignored"),
        (SamplingParams(temperature=0.5), SamplerSettings(temperature=0.8), "temperature-ignored"),
        (SamplingParams(temperature=0.0), SamplerSettings(), "temperature-ignored"),
        (SamplingParams(top_k=5), SamplerSettings(), "top-k-ignored"),
        (SamplingParams(top_k=5), SamplerSettings(top_k=40), "top-k-ignored"),
        (SamplingParams(top_p=0.7), SamplerSettings(), "top-p-ignored"),
        (SamplingParams(min_p=0.1), SamplerSettings(), "min-p-ignored"),
        (PURE, SamplerSettings(top_k=50), "top-k-ignored"),
        (SamplingParams(repeat_penalty=1.5), SamplerSettings(), "penalty-ignored"),
        (SamplingParams(top_k=20, temperature=0.7), SamplerSettings(temperature=0.7), "top-k-ignored"),
        (SamplingParams(top_k=20, temperature=0.5), SamplerSettings(), "temperature-ignored + top-k-ignored"),
    ],
)
def test_an_option_that_is_ignored_is_named(asked, server, cause):
    found = verdict(server, asked)
    assert found.causes
    assert " + ".join(found.causes) == cause


@pytest.mark.parametrize("asked", [NONE, PURE], ids=["unasked", "asked for none"])
def test_a_repetition_penalty_is_found_though_draws_depend_on_each_other(asked):
    found = verdict(SamplerSettings(repeat_penalty=1.1), asked, count=6000)
    assert found.causes == (Cause.PENALTY_APPLIED,)
    assert found.explanation.startswith("repeat-penalty 1.1 (p = ")


def test_a_penalty_over_the_whole_context_is_as_good_as_one_over_a_window():
    found = verdict(SamplerSettings(repeat_penalty=1.3, window=0), SamplingParams(repeat_penalty=1.3), count=1000)
    assert not found.causes


def test_a_penalty_does_not_look_back_into_another_answer():
    server = SamplerSettings(repeat_penalty=1.5)
    answers = [serve(server, 40, seed) for seed in range(60)]
    assert not judge(FACES, SamplingParams(repeat_penalty=1.5), answers).causes
    joined = [[face for answer in answers for face in answer]]
    assert all(
        DiceDraws(FACES, joined).fit(SamplerSettings(repeat_penalty=1.5, window=w)).p_value < ALARM for w in (64, 0)
    )


def test_the_order_of_temperature_and_cuts_is_told_and_accepted_where_it_is_documented():
    asked = SamplingParams(temperature=0.5, top_p=0.8)
    server = requested_settings(asked, temperature_first=True)
    assert verdict(server, asked).explanation.startswith("the temperature before the cuts")
    assert verdict(server, asked).causes == (Cause.UNEXPLAINED,)
    assert not verdict(server, asked, temperature_first=True).causes


def test_a_face_that_cannot_come_is_a_fault_for_certain():
    draws = serve(SamplerSettings(top_k=5), 500, 1)
    assert not judge(FACES, SamplingParams(top_k=5), [draws]).causes
    found = judge(FACES, SamplingParams(top_k=5), [[*draws, "n06"]])
    assert (found.p_value, bool(found.causes)) == (0.0, True)


def test_what_is_no_face_is_a_fault_that_nothing_explains():
    found = judge(FACES, PURE, [[*serve(SamplerSettings(), 500, 1), "<think>"]])
    assert (found.p_value, found.causes, found.explanation) == (0.0, (Cause.UNEXPLAINED,), "")


@pytest.mark.parametrize("answers", [[], [[]], [["?", "\x00"]]])
def test_no_draws_at_all_are_a_fault_and_no_crash(answers):
    found = judge(FACES, PURE, answers)
    assert found.causes
    assert found.causes == (Cause.UNEXPLAINED,)
    assert sum(found.expected.values()) == pytest.approx(1, abs=1e-3)


def test_another_distribution_is_unexplained():
    even = random.Random(1).choices(NAMES, k=2000)
    found = judge(FACES, PURE, [even])
    assert found.causes == (Cause.UNEXPLAINED,)


def test_the_shares_expected_and_seen_are_told():
    draws = serve(SamplerSettings(), 2000, 1)
    found = judge(FACES, PURE, [draws[:700], draws[700:]])
    assert found.expected == {face: pytest.approx(share, abs=1e-5) for face, share in FACES.items()}
    assert found.seen == {face: pytest.approx(n / 2000, abs=1e-5) for face, n in Counter(draws).items()}
    assert 20 < DiceDraws(FACES, [draws]).fit(SamplerSettings()).degrees < 64


def test_without_a_penalty_the_statistic_is_pearsons():
    counts = Counter(draws := serve(SamplerSettings(), 6000, 1))
    pearson = sum((counts[face] - 6000 * share) ** 2 / (6000 * share) for face, share in FACES.items())
    fit = DiceDraws(FACES, [draws]).fit(SamplerSettings())
    assert (fit.statistic, fit.degrees) == (pytest.approx(pearson), 63)


def test_text_is_split_into_faces():
    assert split_draws(FACES, "n01n64n02") == ["n01", "n64", "n02"]
    assert split_draws(FACES, "n01 n0") == ["n01", " ", "n", "0"]
    assert split_draws(["a", "ab"], "aba") == ["ab", "a"]
    assert split_draws(FACES, "") == []


def test_the_faces_suit_their_purpose():
    shares = list(FACES.values())
    assert sum(shares) == pytest.approx(1)
    assert all(one > other for one, other in itertools.pairwise(shares))  # a top-k is never ambiguous
    reached = np.cumsum(shares)
    for cut in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        assert abs(reached - cut).min() > 5e-4  # a thousandth on a logit moves nothing across
    assert len(FACES) > max(CANDIDATES["top_k"])


@pytest.mark.parametrize("fmt", ["qwen3", "gemma4", "mistral", "xml"])
def test_every_format_has_dice_with_these_faces(fmt):
    assert len(set(make_dice(get_format(fmt), FACES).ids.values())) == len(FACES)
