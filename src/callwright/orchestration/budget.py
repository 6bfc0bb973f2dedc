"""A budget of time for a run: its steps and samples are lowered together until the estimate fits.

All of them are lowered to the same share of what the configuration says, but none below what the results need to mean
anything: a third of the steps, a sample of BFCL in which every category has an entry, 40 requests to your tools. A run
is scaled once, when it begins, by what the machine could do then. Its `config.yaml` has the lowered numbers, so a run
that is continued has the same ones on any machine and at any time; its first event keeps what the configuration said
instead, which is what a command that continues it says again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from callwright.evaluation.statistics import asks_for_silence
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.durations import parse_duration
from callwright.orchestration.estimate import UPDATES, Estimator, Work
from callwright.progress import duration
from callwright.report.events import RunCreated, ScaledToBudget
from callwright.report.stage_list import EVALUATED, SECTIONS, STAGES

LEAST_STEPS_DIVISOR = 3
"""A stage keeps at least its steps divided by this, and one."""
LEAST_BFCL_ENTRIES = 24
"""Entries that a sample of BFCL keeps, unless it has fewer."""
LEAST_REQUESTS = 40
"""Requests to your tools that are kept, unless there are fewer."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """What a budget makes of a run.

    Attributes:
      config: The configuration with the lowered numbers.
      record: The same for the run's first event.
    """

    config: PipelineConfig
    record: ScaledToBudget

    def describe(self, whole: str) -> str:
        """What was given up, in a line.

        Args:
          whole: The command that runs everything whole.
        """
        record, kept = self.record, ", ".join(self.record.kept) or "all of it"
        all_of_it, here = duration(record.whole_seconds), duration(record.scaled_seconds)
        if record.scaled_seconds > record.seconds:
            text = f"even the least that its results need takes about {here} here (the whole about {all_of_it})"
            return f"budget {self.config.budget}: {text}; it goes on with {kept}; the whole: {whole}"
        if not record.kept:
            return f"budget {self.config.budget}: the whole takes about {all_of_it} here, so nothing is given up"
        text = f"the whole takes about {all_of_it} here, so it is scaled to about {here}"
        return f"budget {self.config.budget}: {text}: {kept}; the whole: {whole}"


@dataclass(frozen=True, slots=True)
class _Number:
    """A number of the configuration that a budget may lower.

    Attributes:
      title: What it counts, in words.
      unit: What it counts, as in `Work`.
      stage: The stage whose updates these are; None for entries, which are asked after any stage.
      whole: What the configuration says.
      least: What is kept in any case.
    """

    title: str
    unit: str
    stage: int | None
    whole: int
    least: int

    def at(self, percent: int) -> int:
        """The number at a share of the whole."""
        return max(self.least, self.whole * percent // 100)

    def counts(self, work: Work) -> bool:
        """Whether it decides how much of this work there is."""
        return work.unit == self.unit and self.stage in (None, work.stage)


def scale_new_run(
    config: PipelineConfig, numbers: Sequence[int], estimator: Estimator, *, resumes: bool
) -> Scaling | None:
    """What the configuration's budget makes of a run that begins; None where it has no budget.

    The budget is for the whole run: the enabled stages and those that the command names. A run that starts from a stage
    of another one is what the command names.

    Args:
      config: The configuration as it was given.
      numbers: The stages that the command names.
      estimator: Of this configuration and machine.
      resumes: Whether the run starts from a stage of another.

    Raises:
      DataError: The data of a stage cannot be read.
    """
    if config.budget is None:
        return None
    enabled = {stage for stage in EVALUATED if stage not in SECTIONS or config.stage(stage).enabled}
    stages = set(numbers) if resumes else enabled | set(numbers)
    works = [work for stage in sorted(stages & set(EVALUATED)) for work in estimator.stage(config, stage)]
    return scale(config, works, parse_duration(config.budget), estimator.speed)


def scale(config: PipelineConfig, works: Sequence[Work], seconds: float, speed: float) -> Scaling:
    """The largest share of the configuration's numbers, in percent, with which the work fits; the least if none does.

    Args:
      config: The configuration as it was given.
      works: What there is to do, at the numbers of this configuration.
      seconds: The budget.
      speed: Floating point operations a second of this machine, for the record.
    """
    numbers = _numbers(config, works)

    def scaled_seconds(percent: int) -> float:
        total = 0.0
        for work in works:
            limits = [number.at(percent) for number in numbers if number.counts(work)]
            total += work.start + work.each * min([work.count, *limits])
        return total

    percent = next((share for share in range(100, 0, -1) if scaled_seconds(share) <= seconds), 0)
    lowered = [(number, number.at(percent)) for number in numbers if number.at(percent) < number.whole]
    taken = {key: value for number, count in lowered for key, value in _values(config, number, count).items()}
    record = ScaledToBudget(
        seconds=seconds,
        speed=speed,
        whole_seconds=round(scaled_seconds(100), 1),
        scaled_seconds=round(scaled_seconds(percent), 1),
        given={key: _value(config, key) for key in taken},
        taken=taken,
        kept=tuple(f"{count} of {number.whole} {number.title}" for number, count in lowered),
    )
    return Scaling(replaced(config, taken), record)


def _numbers(config: PipelineConfig, works: Sequence[Work]) -> list[_Number]:
    numbers = []
    for stage in sorted({work.stage for work in works if work.unit == UPDATES}):
        steps = config.stage(stage).training.steps
        least = -(-steps // LEAST_STEPS_DIVISOR)
        numbers.append(_Number(f"{UPDATES} of {STAGES[stage].title}", UPDATES, stage, steps, least))
    suites = {work.unit for work in works}
    if "bfcl" in suites:
        counts = _sampled(config)
        entries = sum(counts.values())
        least = min(entries, max(LEAST_BFCL_ENTRIES, len(counts)))
        numbers.append(_Number("entries of BFCL", "bfcl", None, entries, least))
    if "tools" in suites and (tools := config.evaluation.tools):
        least = min(tools.requests, LEAST_REQUESTS)
        numbers.append(_Number("requests to your tools", "tools", None, tools.requests, least))
    return numbers


def _values(config: PipelineConfig, number: _Number, count: int) -> dict[str, Any]:
    """The lowered values by dotted key."""
    if number.unit == "tools":
        return {"evaluation.tools.requests": count}
    if number.stage is None:
        values: dict[str, Any] = {"evaluation.bfcl.sample": smaller_sample(_sampled(config), count)}
        if config.evaluation.bfcl.baseline_sample and sum(_sampled(config, baseline=True).values()) >= count:
            values["evaluation.bfcl.baseline_sample"] = None
        return values
    section, training = SECTIONS[number.stage], config.stage(number.stage).training
    warmup = -(-training.warmup_steps * count // number.whole)
    return {f"{section}.training.steps": count, f"{section}.training.warmup_steps": warmup}


def _sampled(config: PipelineConfig, *, baseline: bool = False) -> dict[str, int]:
    """How many entries of each category of BFCL are asked; of the base model, if `baseline`."""
    entries = config.evaluation.bfcl.entries(baseline=baseline)
    return {name: len(members) for name, members in entries.items() if members}


def smaller_sample(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """A sample of `size` entries, a part of the larger one, in which each category has its share and at least one.

    Args:
      counts: The entries of each category in the larger one.
      size: How many to take, from one for each category to all.
    """
    silent = {name: count for name, count in counts.items() if asks_for_silence(name)}
    calls = {name: count for name, count in counts.items() if name not in silent}
    share = round(size * sum(silent.values()) / sum(counts.values()))
    refused = min(max(share, len(silent)), size - len(calls))
    smaller = _apportioned(calls, size - refused) | _apportioned(silent, refused)
    return {name: smaller[name] for name in counts}


def _apportioned(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """By largest remainders, but at least one each."""
    quotas = {name: size * count / sum(counts.values()) for name, count in counts.items()}
    shares = {name: max(1, int(quota)) for name, quota in quotas.items()}
    while (missing := size - sum(shares.values())) > 0:
        shares[max(shares, key=lambda name: quotas[name] - shares[name])] += 1
    for _ in range(-missing):
        shares[min((name for name in shares if shares[name] > 1), key=lambda name: quotas[name] - shares[name])] -= 1
    return shares


def replaced(config: PipelineConfig, values: Mapping[str, Any]) -> PipelineConfig:
    """The configuration with other values for some dotted keys."""
    data = config.model_dump(mode="json")
    for key, value in values.items():
        *sections, name = key.split(".")
        target = data
        for section in sections:
            target = target[section]
        target[name] = value
    return PipelineConfig.model_validate(data)


def _value(config: PipelineConfig, key: str) -> Any:
    value: Any = config.model_dump(mode="json")
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def as_begun(config: PipelineConfig, created: RunCreated | None) -> PipelineConfig | None:
    """The configuration that a run has if it began with this one; None if its budget then replaced other values.

    Args:
      config: The configuration as it was given, or the one of the run itself.
      created: How the run began; None of one that did not.
    """
    if created is None or created.budget is None or config.sha256 == created.config_sha256:
        return config
    if any(_value(config, key) != value for key, value in created.budget.given.items()):
        return None
    return replaced(config, created.budget.taken)


def as_given(config: PipelineConfig, created: RunCreated) -> PipelineConfig:
    """What a run's configuration said before its budget replaced some of it."""
    return config if created.budget is None else replaced(config, created.budget.given)
