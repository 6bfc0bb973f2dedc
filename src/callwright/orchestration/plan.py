"""What a run will do and roughly how long it will take, before it does it; what is printed is rounded accordingly."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from callwright.evaluation.settings import SuiteName
from callwright.evaluation.suites import suite_entries
from callwright.formats import get_format
from callwright.orchestration.config import PipelineConfig
from callwright.orchestration.data_checks import check_data
from callwright.orchestration.estimate import Estimator, describe_rows, training_memory
from callwright.orchestration.starting_point import StartingPoint
from callwright.progress import duration
from callwright.report.stage_list import EVALUATED
from callwright.training.settings import SftSettings

_SUITES: Mapping[SuiteName, str] = {"bfcl": "{} entries of BFCL", "tools": "{} requests to your tools"}
_EVALUATION: Mapping[str, str] = {"bfcl": "BFCL on {} entries", "tools": "{} requests to your tools"}


@dataclass(frozen=True, slots=True)
class RemainingStage:
    """A stage with work left: its number, and what it starts from if that includes training."""

    number: int
    start: StartingPoint | None


def describe_suites(config: PipelineConfig) -> str:
    """What the suites of a run ask after each stage, in words."""
    counts: dict[SuiteName, set[int]] = {}
    for stage in EVALUATED:
        for name, settings in config.evaluation.after(stage).items():
            counts.setdefault(name, set()).add(len(suite_entries(settings, stage)))
    numbers = {name: " or ".join(map(str, sorted(found))) for name, found in counts.items()}
    return ", ".join(_SUITES[name].format(number) for name, number in numbers.items()) or "no evaluation"


def describe_work(
    config: PipelineConfig, remaining: Sequence[RemainingStage], estimator: Estimator, *, check: bool = False
) -> Iterator[str]:
    """The data of each stage, and an estimate of its time and memory on this machine, a line each.

    Args:
      config: The run's configuration.
      remaining: The stages with work left.
      estimator: Of this configuration and machine.
      check: Whether the data is checked too, as stage 1 does it.

    Raises:
      DataError: The data of a stage cannot be read, or the check finds something wrong.
    """
    parameters = f"{estimator.parameters / 1e6:.0f} M parameters"
    speeds = estimator.speed / 1e9, estimator.bfloat16_speed / 1e9
    speed = "matrices multiply at {:.0f} GFLOP/s here, {:.0f} in bfloat16".format(*speeds)
    yield f"model {estimator.files.name}: {parameters}; {speed}"
    total = 0.0
    for stage in remaining:
        line, found = [f"stage {stage.number}:"], list[str]()
        if stage.start is not None:
            fmt = get_format(config.format.name, config.format.variant)
            checked = check_data(config, stage.number, fmt, tokenizer=estimator.tokenizer) if check else None
            found = checked.lines() if checked else found
            training, work = config.stage(stage.number).training, estimator.training(config, stage.number)
            line.append(f"{len(config.source(stage.number))} examples{f' ({checked})' if checked else ''},")
            line.append(f"{training.steps} updates,")
            if isinstance(training, SftSettings):
                line.append(describe_rows(estimator.packed(config, stage.number), training.steps))
            total += work.seconds
            memory = training_memory(training, estimator.files.config)
            line.append(f"about {duration(work.seconds)} and {memory / 1e9:.0f} GB;")
        evaluations = estimator.evaluations(config, stage.number)
        total += sum(work.seconds for work in evaluations)
        described = [
            f"{_EVALUATION[work.unit].format(work.count)}, about {duration(work.seconds)}" for work in evaluations
        ]
        line.append(", ".join(described) or "no evaluation")
        if stage.start is not None:
            line[-1] += f"; it starts from {stage.start}"
        yield " ".join(line)
        yield from (f"  {finding}" for finding in found)
    yield f"in all about {duration(total)} (an estimate: within a factor of two)"
