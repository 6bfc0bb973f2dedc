"""An export is tried on what its run held out, and on what the run itself answered."""

import dataclasses
import json

import pytest
from tests.support.runs import write_tools
from tests.support.tiny import tiny_tokenizer
from tests.support.trained_runs import tiny_trained, write_trained_run

from callwright.evaluation.own_tools import tools_entries
from callwright.evaluation.row import EvaluationRow, recorded
from callwright.evaluation.settings import ToolsSuiteSettings
from callwright.export.verify.held_out import held_out
from callwright.formats import get_format
from callwright.storage import sha256_json, write_text
from callwright.tokens import encode_segments
from callwright.yaml_files import write_yaml

FMT = get_format("xml")


@pytest.fixture
def run(tmp_path, shallow_model):
    """A trained run whose suite `tools` was asked after stage 4; every second answer was cut."""
    settings = {"path": str(write_tools(tmp_path / "tools.yaml")), "requests": 8}
    config = {"seed": 0, "evaluation": {"after": [], "tools": settings}}
    run = write_trained_run(tmp_path / "run", shallow_model, fmt="xml")  # a card may leave the default variant unsaid
    write_yaml(run / "config.yaml", config)
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    events[0]["config_sha256"] = sha256_json(config)
    write_text(run / "events.jsonl", "".join(json.dumps(event) + "\n" for event in events))
    entries, _ = tools_entries(ToolsSuiteSettings(**settings), 4)
    number = 0
    for kind, members in entries.items():
        lines = []
        for entry in members:
            number += 1
            lines.append(json.dumps(_row(entry, "stop" if number % 2 else "length").as_json()) + "\n")
        write_text(run / f"evaluations/stage4/tools/{kind}.jsonl", "".join(lines))
    return run


def _row(entry, finish):
    rendered = FMT.render(entry.conversation, add_generation_prompt=True)
    return EvaluationRow(
        id=entry.id, category=entry.category, question="?", expected=recorded(entry.expected),
        prompt=rendered.text, prompt_ids=tuple(encode_segments(tiny_tokenizer(), rendered.segments)[0]),
        token_ids=(40, 41), raw="?", finish_reason=finish, calls=recorded(entry.expected), complete=True,
        parse_errors=(), valid=True, error_type=None, error_detail="", seconds=0.1, tool=entry.tool,
    )  # fmt: skip


def test_outputs_are_the_runs_own_and_the_expected_ones_where_those_were_cut(run, shallow_model):
    found = held_out(tiny_trained(shallow_model, run), tiny_tokenizer())
    assert len(found.requests) > 4
    own = [forced for forced in found.outputs if forced.output[:2] == (40, 41)]
    assert 0 < len(own) < len(found.outputs)
    assert all(request.recorded is not None for request in found.requests)
    assert found.longest == max(len(forced.prompt) + len(forced.output) for forced in found.outputs)
    assert list(found.conversations) == [request.id for request in found.requests]


def test_categories_take_turns_and_no_more_are_taken_than_asked(run, shallow_model):
    found = held_out(tiny_trained(shallow_model, run), tiny_tokenizer(), most=3)
    assert len(found.requests) == 3
    assert len({request.id.partition("_")[0] for request in found.requests}) > 1


def test_another_format_has_nothing_recorded(run, shallow_model):
    trained = dataclasses.replace(tiny_trained(shallow_model, run), format=get_format("xml", "arguments"))
    found = held_out(trained, tiny_tokenizer())
    assert all(request.recorded is None for request in found.requests)
    texts = [tiny_tokenizer().decode(forced.output) for forced in found.outputs]
    assert texts
    assert all('"arguments": {"city"' in text for text in texts)


def test_a_run_that_was_never_evaluated_is_tried_on_the_formats_example(tmp_path, shallow_model):
    run = write_trained_run(tmp_path / "run", shallow_model)
    found = held_out(tiny_trained(shallow_model, run), tiny_tokenizer())
    assert [forced.id for forced in found.outputs] == ["the example"]
    assert {"name", "keys", "values", "end"} <= set(found.outputs[0].regions)
    assert found.requests[0].recorded is None
