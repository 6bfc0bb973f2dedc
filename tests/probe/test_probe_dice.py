"""Throws are judged rightly: a faithful server raises no alarm, and a setting that is not the one asked for is named.

The simulated servers apply their options by a loop of its own over one token after the other, so that nothing of the
judge's arithmetic is taken for granted.
"""

import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest

from callwright.engines.chat import GREEDY, PURE, ChatSampling
from callwright.formats import get_format_by_name
from callwright.instruments.dice import make_dice
from callwright.probe.dice import ALARM, CANDIDATES, DEFAULTS, FACES, judge, wanted
from callwright.probe.throws import Settings, Throws, probabilities, split

NONE = ChatSampling()
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


def serve(settings, throws, seed, faces=FACES):
    """A server with these settings: so many faces, in one answer."""
    source = random.Random(seed)
    logits = {face: math.log(probability) for face, probability in faces.items()}
    if settings.repeat_penalty == 1:
        shares = allowed(logits, settings)
        return source.choices(list(shares), list(shares.values()), k=throws)
    said = []
    for _ in range(throws):
        window = set(said[-settings.window :] if settings.window else said)
        shares = allowed({f: x * settings.repeat_penalty if f in window else x for f, x in logits.items()}, settings)
        said += source.choices(list(shares), list(shares.values()))
    return said


def verdict(settings, asked=NONE, throws=2000, seed=1, **options):
    return judge(FACES, asked, [serve(settings, throws, seed)], **options)


SERVERS = {
    **{f"temperature {x:g}": Settings(temperature=x) for x in CANDIDATES["temperature"] if x not in (1, 0.9)},
    **{f"top-k {value}": Settings(top_k=int(value)) for value in CANDIDATES["top_k"] if value},
    **{f"top-p {value}": Settings(top_p=value) for value in CANDIDATES["top_p"] if value != 1},
    "min-p 0.1": Settings(min_p=0.1),
}


@pytest.mark.parametrize(
    "settings", [Settings(), *DEFAULTS.values(), Settings(top_k=5, top_p=0.8, min_p=0.1, temperature=0.5)]
)
@pytest.mark.parametrize("first", [False, True])
def test_the_distribution_is_the_one_that_a_loop_over_tokens_gives(settings, first):
    settings = Settings(**{name: getattr(settings, name) for name in Settings.__slots__} | {"temperature_first": first})
    shuffled = random.Random(1).sample(NAMES, len(NAMES))
    logits = {face: math.log(FACES[face]) for face in shuffled}
    found = probabilities(np.array([list(logits.values())]), settings)[0]
    shares = allowed(logits, settings)
    assert found == pytest.approx([shares.get(face, 0.0) for face in shuffled])


@pytest.mark.parametrize("option", [{"top_p": 0.0}, {"top_p": -1.0}, {"min_p": 1.0}, {"min_p": 2.0}, {"top_k": 1}])
def test_the_likeliest_face_is_never_cut(option):
    greedy = [1.0] + [0.0] * (len(NAMES) - 1)
    assert list(probabilities(np.log([list(FACES.values())]), Settings(**option))[0]) == greedy
    assert not verdict(Settings(), ChatSampling(**option)).fits
    assert verdict(Settings(temperature=0), ChatSampling(**option)).fits


@pytest.mark.parametrize("temperature", [1e-300, 1e-9, 1e-4])
@pytest.mark.parametrize("first", [False, True])
def test_the_lowest_temperatures_leave_the_likeliest_face(temperature, first):
    settings = Settings(temperature=temperature, temperature_first=first)
    assert list(probabilities(np.log([list(FACES.values())]), settings)[0])[:2] == [1, 0]
    assert not verdict(Settings(), ChatSampling(temperature=temperature), temperature_first=first).fits


@pytest.mark.parametrize("servers", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_faithful_servers_raise_no_alarm(servers):
    values = sorted(verdict(Settings(), PURE, seed=seed).p_value for seed in range(servers))
    assert values[0] >= ALARM
    assert sum(value < 0.01 for value in values) <= servers // 40  # and the p-value means what it says
    assert sum(value < 0.5 for value in values) >= servers // 4


@pytest.mark.parametrize(
    "asked",
    [
        ChatSampling(temperature=0.5),
        ChatSampling(temperature=0.7, top_k=10),
        ChatSampling(top_p=0.6, min_p=0.02),
        ChatSampling(temperature=1.3, top_k=0, top_p=1, min_p=0.1, repeat_penalty=1),
        ChatSampling(temperature=0.8, repeat_penalty=1.3),
        GREEDY,
    ],
    ids=str,
)
def test_a_server_that_does_what_it_was_asked_for_is_faithful(asked):
    for seed in range(20):
        found = verdict(wanted(asked), asked, throws=600, seed=seed)
        assert found.fits
        assert (found.cause, found.explanation, found.impossible) == ("", "", ())


@pytest.mark.parametrize("name", SERVERS)
def test_one_option_that_nobody_asked_for_is_named(name):
    found = verdict(SERVERS[name])
    assert not found.fits
    assert found.cause == "sampler-default"
    assert found.explanation.startswith(f"{name} (p = ")


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("asked", [NONE, ChatSampling(temperature=1.0)], ids=["nothing", "temperature"])
def test_the_defaults_of_runtimes_and_models_are_named(name, asked):
    found = verdict(DEFAULTS[name], asked)
    assert found.explanation.startswith(name)
    ignored = ["temperature-ignored"] if asked.temperature else []
    penalised = ["penalty-applied"] if DEFAULTS[name].repeat_penalty != 1 else []
    assert set(found.cause.split(" + ")) == {*ignored, "sampler-default", *penalised}


@pytest.mark.parametrize(
    ("asked", "server", "cause"),
    [
        (ChatSampling(temperature=0.5), Settings(), "temperature-ignored"),
        (ChatSampling(temperature=0.5), Settings(temperature=0.8), "temperature-ignored"),
        (ChatSampling(temperature=0.0), Settings(), "temperature-ignored"),
        (ChatSampling(top_k=5), Settings(), "top-k-ignored"),
        (ChatSampling(top_k=5), Settings(top_k=40), "top-k-ignored"),
        (ChatSampling(top_p=0.7), Settings(), "top-p-ignored"),
        (ChatSampling(min_p=0.1), Settings(), "min-p-ignored"),
        (PURE, Settings(top_k=50), "top-k-ignored"),
        (ChatSampling(repeat_penalty=1.5), Settings(), "penalty-ignored"),
        (ChatSampling(top_k=20, temperature=0.7), Settings(temperature=0.7), "top-k-ignored"),
        (ChatSampling(top_k=20, temperature=0.5), Settings(), "temperature-ignored + top-k-ignored"),
    ],
)
def test_an_option_that_is_ignored_is_named(asked, server, cause):
    found = verdict(server, asked)
    assert not found.fits
    assert found.cause == cause


@pytest.mark.parametrize("asked", [NONE, PURE], ids=["unasked", "asked for none"])
def test_a_repetition_penalty_is_found_though_throws_depend_on_each_other(asked):
    found = verdict(Settings(repeat_penalty=1.1), asked, throws=6000)
    assert found.cause == "penalty-applied"
    assert found.explanation.startswith("repeat-penalty 1.1 (p = ")


def test_a_penalty_over_the_whole_context_is_as_good_as_one_over_a_window():
    found = verdict(Settings(repeat_penalty=1.3, window=0), ChatSampling(repeat_penalty=1.3), throws=1000)
    assert found.fits


def test_a_penalty_does_not_look_back_into_another_answer():
    server = Settings(repeat_penalty=1.5)
    answers = [serve(server, 40, seed) for seed in range(60)]
    assert judge(FACES, ChatSampling(repeat_penalty=1.5), answers).fits
    joined = [[face for answer in answers for face in answer]]
    assert all(Throws(FACES, joined).fit(Settings(repeat_penalty=1.5, window=w)).p_value < ALARM for w in (64, 0))


def test_the_order_of_temperature_and_cuts_is_told_and_accepted_where_it_is_documented():
    asked = ChatSampling(temperature=0.5, top_p=0.8)
    server = wanted(asked, temperature_first=True)
    assert verdict(server, asked).explanation.startswith("the temperature before the cuts")
    assert verdict(server, asked).cause == "unexplained"
    assert verdict(server, asked, temperature_first=True).fits


def test_a_face_that_cannot_come_is_a_fault_for_certain():
    throws = serve(Settings(top_k=5), 500, 1)
    assert judge(FACES, ChatSampling(top_k=5), [throws]).fits
    found = judge(FACES, ChatSampling(top_k=5), [[*throws, "n06"]])
    assert (found.fits, found.p_value, found.impossible) == (False, 0.0, ("n06",))


def test_what_is_no_face_is_a_fault_that_nothing_explains():
    found = judge(FACES, PURE, [[*serve(Settings(), 500, 1), "<think>"]])
    assert (found.fits, found.impossible, found.cause, found.explanation) == (False, ("<think>",), "unexplained", "")


@pytest.mark.parametrize("answers", [[], [[]], [["?", "\x00"]]])
def test_no_throws_at_all_are_a_fault_and_no_crash(answers):
    found = judge(FACES, PURE, answers)
    assert not found.fits
    assert found.cause == "unexplained"
    assert sum(found.expected.values()) == pytest.approx(1, abs=1e-3)


def test_another_distribution_is_unexplained():
    even = random.Random(1).choices(NAMES, k=2000)
    found = judge(FACES, PURE, [even])
    assert (found.fits, found.cause) == (False, "unexplained")


def test_the_shares_expected_and_seen_are_told():
    throws = serve(Settings(), 2000, 1)
    found = judge(FACES, PURE, [throws[:700], throws[700:]])
    assert found.expected == {face: pytest.approx(share, abs=1e-5) for face, share in FACES.items()}
    assert found.seen == {face: pytest.approx(n / 2000, abs=1e-5) for face, n in Counter(throws).items()}
    assert 20 < found.degrees < 64


def test_without_a_penalty_the_statistic_is_pearsons():
    counts = Counter(throws := serve(Settings(), 6000, 1))
    pearson = sum((counts[face] - 6000 * share) ** 2 / (6000 * share) for face, share in FACES.items())
    fit = Throws(FACES, [throws]).fit(Settings())
    assert (fit.statistic, fit.degrees) == (pytest.approx(pearson), 63)


def test_text_is_split_into_faces():
    assert split(FACES, "n01n64n02") == ["n01", "n64", "n02"]
    assert split(FACES, "n01 n0") == ["n01", " ", "n", "0"]
    assert split(["a", "ab"], "aba") == ["ab", "a"]
    assert split(FACES, "") == []


def test_the_faces_suit_their_purpose():
    shares = list(FACES.values())
    assert sum(shares) == pytest.approx(1)
    assert all(one > other for one, other in itertools.pairwise(shares))  # a top-k is never ambiguous
    reached = np.cumsum(shares)
    for cut in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        assert abs(reached - cut).min() > 5e-4  # a thousandth on a logit moves nothing across
    assert len(FACES) > max(CANDIDATES["top_k"])


@pytest.mark.parametrize("form", ["qwen3", "gemma4", "mistral", "xml"])
def test_every_format_has_dice_with_these_faces(form):
    assert len(set(make_dice(get_format_by_name(form), FACES).ids.values())) == len(FACES)
