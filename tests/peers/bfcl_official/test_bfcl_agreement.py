"""Our decoder and checker say what the official ones say."""

import random
from collections import Counter
from typing import Any

import pytest
from tests.peers.bfcl_official import official_bfcl
from tests.peers.bfcl_official.bfcl_mutations import Call, as_text, mutated
from tests.peers.bfcl_official.nasty_texts import nasty_texts

from callwright.conversation import ToolCall
from callwright.evaluation.bfcl import load_category
from callwright.scoring.categories import CATEGORIES
from callwright.scoring.checker import score_calls, score_text
from callwright.scoring.decode import decode
from callwright.scoring.entry import BfclEntry, expected_calls

pytestmark = pytest.mark.peer("bfcl-official")

WITH_ANSWERS = [row.name for row in CATEGORIES.values() if row.has_gold_calls]
Row = tuple[BfclEntry, dict[str, Any]]


def output(entry: BfclEntry) -> list[Call]:
    return [{"name": call.name, "arguments": call.arguments} for call in expected_calls(entry)]


def row(entry: BfclEntry, **answer: Any) -> Row:
    job = {"category": entry.category, "functions": entry.functions, "answers": entry.gold_calls, **answer}
    return entry, job


def ours(entry: BfclEntry, job: dict[str, Any]) -> dict[str, Any]:
    undot = job.get("underscore_to_dot", False)
    if "text" in job:
        verdict = score_text(entry, job["text"], underscore_to_dot=undot)
    else:
        calls = job["calls"] and [ToolCall(call["name"], call["arguments"]) for call in job["calls"]]
        verdict = score_calls(entry, calls, underscore_to_dot=undot)
    return {"valid": verdict.valid, "error_type": verdict.error_type}


def compare(rows: list[Row]) -> Counter[str | None]:
    """Demands one verdict from both; where the official code crashes, ours is a plain failure. Counts error types."""
    official = official_bfcl.ask(job for _, job in rows)
    counted: Counter[str | None] = Counter()
    for (entry, job), theirs in zip(rows, official, strict=True):
        verdict = ours(entry, job)
        shown = (entry.id, job.get("text", job.get("calls")), verdict, theirs)
        if "raised" in theirs:
            assert not verdict["valid"], shown
        else:
            assert verdict == theirs, shown
            counted[verdict["error_type"]] += 1
    return counted


def test_every_gold_answer_gets_the_official_verdict() -> None:
    entries = [entry for name in WITH_ANSWERS for entry in load_category(name)]
    as_calls = compare([row(entry, calls=output(entry)) for entry in entries])
    as_texts = compare([row(entry, text=as_text(output(entry))) for entry in entries])
    assert as_calls[None] == 2347
    assert as_texts[None] == 2347


@pytest.mark.parametrize("name", WITH_ANSWERS)
def test_mutated_answers_get_the_official_verdict_and_error_type(name: str) -> None:
    rng = random.Random(f"mutated {name}")
    entries = load_category(name)
    rows = []
    for entry in (entries * (1 + 400 // len(entries)))[: max(800, len(entries))]:
        undot = rng.random() < 0.1
        rows.append(row(entry, calls=mutated(output(entry), rng, tuples=False), underscore_to_dot=undot))
        rows.append(row(entry, text=as_text(mutated(output(entry), rng, tuples=True)), underscore_to_dot=undot))
        rows.append(row(entry, text=as_text(mutated(output(entry), rng, tuples=True))))
    counted = compare(rows)
    assert sum(counted.values()) > 0.99 * len(rows)  # the official code rarely crashes
    assert counted[None] > 0.05 * len(rows)
    assert len(counted) >= (4 if "parallel" in name else 10), counted  # parallel has one word for all mismatches


def test_mutated_dicts_get_the_official_verdict_and_error_type() -> None:
    """Dicts and lists of them have rules of their own and are rare, so they get a test of their own."""
    rng = random.Random("mutated dicts")
    names = [name for name in WITH_ANSWERS if "parallel" not in name]
    entries = [entry for name in names for entry in load_category(name) if "{" in as_text(output(entry))]
    rows = [row(entry, text=as_text(mutated(output(entry), rng, tuples=True))) for entry in entries for _ in range(40)]
    counted = compare(rows)
    assert min(counted[f"value_error:{kind}"] for kind in ("dict_key", "dict_value", "list_dict_count")) > 10, counted


@pytest.mark.parametrize("name", ["irrelevance", "live_relevance"])
def test_whether_anything_is_called_is_decided_as_officially(name: str) -> None:
    entry = load_category(name)[0]
    calls: list[Any] = [None, [], [{"name": "f", "arguments": {}}], [{"name": "f", "arguments": [1]}]]
    rows = [row(entry, text=text) for text in nasty_texts()] + [row(entry, calls=said_) for said_ in calls]
    counted = compare(rows)
    assert len(counted) == 2
    assert min(counted.values()) > 50


def test_arguments_that_are_no_object_get_the_official_verdict() -> None:
    entry = load_category("simple_python")[0]
    odd: list[Any] = [None, 1, "x", [], [1]]
    assert compare([row(entry, calls=[{"name": "f", "arguments": value}]) for value in odd]) == {
        "ast_decoder:decoder_wrong_output_format": len(odd)
    }


def test_nasty_texts_decode_to_the_official_calls() -> None:
    texts = nasty_texts()
    official = official_bfcl.ask({"decode": text} for text in texts)
    disagreements = []
    for text, theirs in zip(texts, official, strict=True):
        calls = decode(text)
        # Ours names what `**value` gives; the official decoder keeps it under None.
        mine = None if calls is None else repr([{call.name: call.arguments} for call in calls]).replace("'**'", "None")
        if mine != theirs.get("decoded"):
            disagreements.append((text[:80], mine, theirs))
    assert not disagreements
    assert sum("decoded" in theirs for theirs in official) > 150
    assert sum("raised" in theirs for theirs in official) > 150
