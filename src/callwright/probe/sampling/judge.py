"""Draws judged: do they fit the distribution that was asked for, and if not, which sampler settings explain them?

The options act in the order that llama.cpp documents: repetition penalty, top-k, top-p, min-p, temperature; with
`temperature_first` the temperature comes before the cuts, as in transformers and vLLM. A face that comes though it
cannot is a fault for certain; else an alarm is raised below p = 1e-6 (see `statistics` for the tests), so that a
faithful server raises one in a million runs. An explanation is accepted above p = 0.0001, so one true one in 10,000 is
missed.

What 2,000 draws from `FACES` find out if the model's own distribution was asked for: every cut of `CANDIDATES` always
(the mildest leaves a chance of 1e-25), greedy decoding always, a temperature of 0.85 or less always, of 0.9 in 78% of
runs, a repetition penalty of 1.1 in 75%. 4,000 find 0.9 always and the penalty in 95%; one of 1.05 takes over 10,000.
Ask for temperatures up to 1.5: beyond, tokens that are no face begin to come.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, product
from typing import Any

from callwright.engines.sampling import SamplingParams
from callwright.probe.causes.registry import Cause
from callwright.probe.sampling.statistics import WINDOW, DiceDraws, Fit, SamplerSettings, probabilities

ALARM, EXPLAINS = 1e-6, 1e-4
"""Below the one a difference is a fault, above the other a hypothesis explains it."""
_HEAD = (0.31, 0.18, 0.115, 0.075, 0.05, 0.036, 0.026, 0.02)
_TAIL, _TAIL_FACES = 0.188, 56
_WEIGHTS = [3 - 2 * place / (_TAIL_FACES - 1) for place in range(_TAIL_FACES)]
FACES: dict[str, float] = {
    f"n{number:02}": probability
    for number, probability in enumerate((*_HEAD, *(_TAIL * weight / sum(_WEIGHTS) for weight in _WEIGHTS)), 1)
}
"""64 faces, n01 the likeliest: eight of 0.31 to 0.02, which show a temperature, and a tail of 0.19 in all, which shows
every cut, the customary top-k of 50 and top-p of 0.95 among them. No two are alike, and no customary cut falls close
enough to a face's edge for rounding to matter."""


_OFF = asdict(SamplerSettings())
OPTIONS = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty")
CANDIDATES: dict[str, tuple[float, ...]] = {
    "temperature": (1.0, 0.8, 0.7, 0.6, 0.0, 0.9, 0.5, 0.4, 0.3, 0.2, 1.2, 1.5),
    "top_k": (0, 40, 50, 20),
    "top_p": (1.0, 0.95, 0.9, 0.8),
    "min_p": (0.0, 0.05, 0.1),
    "repeat_penalty": (1.0, 1.1, 1.05, 1.15, 1.2, 1.3),
}
"""What an option may have been instead: first nothing, then what runtimes and models have as their default."""
DEFAULTS: dict[str, SamplerSettings] = {
    "llama.cpp's defaults": SamplerSettings(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05),
    "Ollama's defaults": SamplerSettings(temperature=0.8, top_k=40, top_p=0.9),
    "Ollama's defaults, with its repeat penalty": SamplerSettings(
        temperature=0.8, top_k=40, top_p=0.9, repeat_penalty=1.1
    ),
    "LM Studio's defaults": SamplerSettings(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05, repeat_penalty=1.1),
    "the generation config of Llama 3": SamplerSettings(temperature=0.6, top_p=0.9),
    "the generation config of Qwen 3": SamplerSettings(temperature=0.6, top_k=20, top_p=0.95),
    "the generation config of Qwen 2.5": SamplerSettings(temperature=0.7, top_k=20, top_p=0.8, repeat_penalty=1.05),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingVerdict:
    """Whether draws fit what was asked for, and what explains them if not.

    Attributes:
      statistic: Chi-square of the draws against what was asked for.
      p_value: The chance of one as large; 0 where a face was drawn that cannot be.
      causes: What explains a difference; () where the draws fit.
      explanation: In words what was applied instead; "" where they fit or nothing known explains it.
      expected: The share of each face, with 0 for those that cannot come.
      seen: The share of each face that was drawn.
    """

    statistic: float
    p_value: float
    causes: tuple[Cause, ...]
    explanation: str
    expected: dict[str, float]
    seen: dict[str, float]


def requested_settings(asked: SamplingParams, *, temperature_first: bool = False) -> SamplerSettings:
    """The settings that were asked for; an option left out asks for the model's own distribution."""
    given = {name: getattr(asked, name) for name in OPTIONS if getattr(asked, name) is not None}
    return SamplerSettings(**given, temperature_first=temperature_first)


def judge(
    faces: Mapping[str, float],
    asked: SamplingParams,
    answers: Sequence[Sequence[str]],
    *,
    temperature_first: bool = False,
) -> SamplingVerdict:
    """Whether draws come from what was asked for, and if not, what explains them.

    Args:
      faces: The true probability of each face; see `FACES`.
      asked: The options that were sent. One that was left out asks for the model's own distribution.
      answers: The draws of each answer, in order; see `statistics.split_draws`.
      temperature_first: Whether the runtime documents that its temperature comes before the cuts.
    """
    draws = DiceDraws(faces, answers)
    settings = requested_settings(asked, temperature_first=temperature_first)
    total = draws.total + draws.unknown.total()
    counts = Counter({face: int(number) for face, number in zip(draws.names, draws.counts, strict=True) if number})
    seen = {face: number / total for face, number in (counts | draws.unknown).items()}
    if not draws.total:
        fit = Fit(0.0, 0, 0.0, probabilities(draws.logits, settings)[0])
    else:  # nobody can ask for the window of a penalty, so either is right
        windows = (WINDOW, 0) if settings.repeat_penalty != 1 else (WINDOW,)
        fit = max((draws.fit(replace(settings, window=window)) for window in windows), key=lambda fit: fit.p_value)
    causes, explanation = ((), "") if fit.p_value >= ALARM else _explain(draws, asked, settings)
    return SamplingVerdict(
        statistic=fit.statistic,
        p_value=fit.p_value,
        causes=causes,
        explanation=explanation,
        expected={face: round(float(share), 5) for face, share in zip(draws.names, fit.expected, strict=True)},
        seen={face: round(share, 5) for face, share in seen.items()},
    )


def _explain(draws: DiceDraws, asked: SamplingParams, settings: SamplerSettings) -> tuple[tuple[Cause, ...], str]:
    """Causes and words of the simplest hypothesis that fits: of equally simple ones the best."""
    if draws.unknown or not draws.total:
        return (Cause.UNEXPLAINED,), ""
    for hypotheses in _hypotheses(asked, settings):
        fits = [(draws.fit(guess).p_value, words, guess) for words, guess in hypotheses if guess != settings]
        p_value, words, guess = max(fits, key=lambda fit: fit[0], default=(0.0, "", settings))
        if p_value > EXPLAINS:
            options = (*OPTIONS, "temperature_first")
            changed = [name for name in options if getattr(guess, name) != getattr(settings, name)]
            causes = dict.fromkeys(_cause(name, asked, settings) for name in changed)
            return tuple(causes), f"{words} (p = {p_value:.2g})"
    return (Cause.UNEXPLAINED,), ""


_IGNORED = {
    "temperature": Cause.TEMPERATURE_IGNORED,
    "top_k": Cause.TOP_K_IGNORED,
    "top_p": Cause.TOP_P_IGNORED,
    "min_p": Cause.MIN_P_IGNORED,
}


def _cause(name: str, asked: SamplingParams, settings: SamplerSettings) -> Cause:
    """Why an option has another value than the one asked for."""
    if name == "repeat_penalty":
        return Cause.PENALTY_APPLIED if settings.repeat_penalty == 1 else Cause.PENALTY_IGNORED
    if name == "temperature_first":
        return Cause.UNEXPLAINED  # an order is no fault: whoever asks says whether it is documented
    return Cause.SAMPLER_DEFAULT if getattr(asked, name) is None else _IGNORED[name]


def _hypotheses(asked: SamplingParams, settings: SamplerSettings) -> Iterator[list[tuple[str, SamplerSettings]]]:
    """Ever less simple ones, each with its words: one option another; known defaults; the order; two options."""
    yield [_guess(settings, *change) for name in OPTIONS for change in _changes(name)]
    unasked = tuple(name for name in OPTIONS if getattr(asked, name) is None)
    presets = []
    for title, preset in DEFAULTS.items():
        for names in (unasked, OPTIONS):
            taken = replace(settings, **{name: getattr(preset, name) for name in names})
            presets.append((f"{title}: {_words(taken)}", taken))
    yield presets
    turned = replace(settings, temperature_first=not settings.temperature_first)
    order = "before" if turned.temperature_first else "after"
    yield [(f"the temperature {order} the cuts", turned)]
    yield [
        _guess(settings, *first, *second)
        for one, other in combinations(OPTIONS, 2)
        for first, second in product(_changes(one), _changes(other))
    ]


def _changes(name: str) -> Iterator[tuple[tuple[str, float], ...]]:
    """What the option may have been; a penalty also over the whole context, as in transformers and vLLM."""
    yield from (((name, value),) for value in CANDIDATES[name])
    if name == "repeat_penalty":
        yield from (((name, value), ("window", 0)) for value in CANDIDATES[name] if value != 1)


def _guess(settings: SamplerSettings, *changes: tuple[str, float]) -> tuple[str, SamplerSettings]:
    changed: dict[str, Any] = dict(changes)
    guess = replace(settings, **changed)
    return _words(guess, *changed), guess


def _words(settings: SamplerSettings, *names: str) -> str:
    """`temperature 0.8, top-p 0.9`: the options named, or all that do something."""
    shown = [name for name in OPTIONS if name in names or (not names and getattr(settings, name) != _OFF[name])]
    output = [f"{name.replace('_', '-')} {getattr(settings, name):g}" for name in shown] or ["no option"]
    return ", ".join(output) + (" over the whole context" if "window" in names else "")
