"""Whole runs as a user starts them: a tiny model and its data on disk, a configuration, and the real command line.

The model is random, but its end of turn is likelier than chance would have it: some of its completions end and others
are cut, so that GRPO has something to tell apart. All of a session share one cache directory; the benchmark in it is
the user's own copy.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file
from tests.support.jsonl import read_jsonl
from tests.support.processes import Process, ProcessOutput
from tests.support.tiny import tiny_tokenizer, write_tiny_model

from callwright.evaluation.bfcl import fetch_data
from callwright.models.gemma3 import Gemma3Config
from callwright.storage import cache_dir
from callwright.training.checkpoints import FILE
from callwright.yaml_files import write_yaml

COMMAND = ("callwright.cli:main", "callwright", "run", "c.yaml")
"""What `callwright run` calls, and its command line."""
TRAINED = (3, 4, 5)
EVALUATED = (2, 3, 4, 5)


def write_talkative_model(directory: Path, config: Gemma3Config) -> Path:
    """A tiny model whose completions sometimes end."""
    write_tiny_model(directory, config)
    tensors = load_file(directory / "model.safetensors")
    tensors["model.embed_tokens.weight"][tiny_tokenizer().token_id("<end_of_turn>")] *= 4
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    return directory


def conversation(index: int, words: int = 2) -> dict[str, Any]:
    """A line of a user's own data: one call, or words where the tool does not fit."""
    city = ("Paris", "the city", "tool", "name")[index % 4]
    asked = {"role": "user", "content": f"{index}: the weather in {city}" + " and what" * words}
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "get", "parameters": parameters}}
    arguments = json.dumps({"city": city})
    call = {"id": "1", "type": "function", "function": {"name": "get", "arguments": arguments}}
    output = {"role": "assistant", "tool_calls": [call]} if index % 3 else {"role": "assistant", "content": "the tool"}
    return {"messages": [asked, output], "tools": [tool]}


def write_data(path: Path, count: int = 16, too_long: tuple[int, ...] = (5, 11)) -> Path:
    """A file of conversations, some of them longer than any row."""
    rows = [conversation(index, words=300 if index in too_long else 2) for index in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_tools(path: Path) -> Path:
    """A tools file of one tool and one flow."""
    city = {"description": "City", "values": ["Paris", "Rome", "Oslo", "Bern", "Lima", "Cairo"]}
    names = ("the", "a", "what", "for", "you", "on", "to", "is", "in", "and")
    get = {"description": "Get.", "parameters": {"city": city}, "phrasings": [f"{name} {{city}}" for name in names]}
    step = {"tool": "get", "arguments": {"city": "{city}"}, "result": "5"}
    flow = {
        "name": "twice",
        "values": {"city": {"values": city["values"]}},
        "requests": [f"{name} get {{city}} twice" for name in names],
        "steps": [step, step],
        "answers": ["5"],
    }
    file = {"version": 1, "tools": [{"name": "get", **get}], "flows": [flow], "off_topic": list(names)}
    write_yaml(path, file)
    return path


def share_cache(directory: Path) -> Path:
    """A cache directory of the session's own, with the user's copy of the benchmark and her converted weights."""
    data = fetch_data()
    directory.mkdir()
    (directory / data.name).symlink_to(data)
    (cache_dir() / "models").mkdir(parents=True, exist_ok=True)
    (directory / "models").symlink_to(cache_dir() / "models")
    return directory


def tiny_configuration(model: Path, data: Path, tools: Path) -> dict[str, Any]:
    """The five stages, each as small as it can be; SFT stages share one shape, so that it is compiled once."""
    sft = {
        "precision": "float32",
        "data": {"openai_jsonl": {"path": str(data)}},
        "training": {
            "steps": 5,
            "batch_size": 1,
            "sequence_length": 288,
            "supervised_length": 80,
            "warmup_steps": 1,
            "learning_rate": 0.01,
            "checkpoint_every": 2,
        },
    }
    shape = {"prompts_per_step": 2, "group_size": 4, "max_prompt_tokens": 240, "max_new_tokens": 6}
    grpo = {"steps": 3, "learning_rate": 0.001, "checkpoint_every": 1, **shape}
    sample = {"simple_python": 3, "parallel": 1, "irrelevance": 2}
    bfcl = {"sample": sample, "seed": 5, "max_new_tokens": 4, "batch_size": 2}
    requests = {"path": str(tools), "requests": 6, "baseline_requests": 4, "max_new_tokens": 4, "batch_size": 2}
    return {
        "name": "tiny",
        "model": {"source": str(model)},
        "evaluation": {**bfcl, "tools": requests},
        "lora": {"rank": 2, "alpha": 4},
        "sft_small": sft,
        "sft_full": deepcopy(sft),
        "grpo": {"precision": "float32", "data": deepcopy(sft["data"]), "training": grpo},
        "tensorboard": False,
    }


@dataclass(frozen=True)
class Desk:
    """A directory in which a user works: her configuration in c.yaml, and runs/ below it."""

    directory: Path
    cache: Path
    configuration: Mapping[str, Any]

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        write_yaml(self.directory / "c.yaml", dict(self.configuration))

    @property
    def path(self) -> Path:
        """The first run's directory."""
        return self.directory / "runs" / str(self.configuration["name"])

    def start(self, *arguments: str, command: tuple[str, ...] = COMMAND, largest_file: int | None = None) -> Process:
        """Starts `callwright run c.yaml` with these arguments."""
        function, *words = command
        environment = {"CALLWRIGHT_CACHE": str(self.cache)}
        return Process(function, [*words, *arguments], self.directory, environment, largest_file)

    def run(self, *arguments: str, code: int = 0, largest_file: int | None = None) -> ProcessOutput:
        """Runs it to the end, which must be with this exit code."""
        return self.start(*arguments, largest_file=largest_file).finish(code)


def refusal(output: ProcessOutput) -> str:
    """The line of the error; there must be exactly one, and no traceback."""
    assert "Traceback" not in output.err, output.err
    (line,) = re.findall(r"^callwright: expected .*; got .*; .*$", output.err, re.MULTILINE)
    assert output.err.endswith(line + "\n")
    return str(line)


def events(run: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """A run's log."""
    return [event for event in read_jsonl(run / "events.jsonl") if kind in (None, event["event"])]


def rows(run: Path, stage: int) -> dict[str, dict[str, Any]]:
    """All suites after a stage by entry, without what the clock said, and the steps within flows by flow and number.

    An entry with two rows is an error, and so is a step with two lines.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((run / "evaluations" / f"stage{stage}").rglob("*.jsonl")):
        for row in read_jsonl(path):
            name = f"{row['id']}, step {row['step']}" if "step" in row else row["id"]
            assert name not in found, f"two lines for {name}"
            found[name] = {key: value for key, value in row.items() if key != "seconds"}
    return found


def adapter_bits(run: Path, stage: int) -> str:
    """The hash of what a training stage left."""
    return hashlib.sha256((run / "checkpoints" / f"stage{stage}" / FILE).read_bytes()).hexdigest()


def outcome(run: Path, stages: Collection[int]) -> dict[str, Any]:
    """All that a run computed in these stages, to the bit."""
    adapters = {f"adapter{stage}": adapter_bits(run, stage) for stage in TRAINED if stage in stages}
    return adapters | {f"rows{stage}": rows(run, stage) for stage in EVALUATED if stage in stages}
