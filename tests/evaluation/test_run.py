"""Every entry is asked in the same company, scored once, and its row is kept whatever happens.

The engine is a script: it says what it was told to say to a prompt and remembers who was asked together.
"""

import errno
import json
import random
from collections import Counter

import pytest
from tests.support.jsonl import read_jsonl
from tests.support.tiny import tiny_tokenizer

from callwright import storage
from callwright.conversation import Conversation, Message
from callwright.engines.base import Generation
from callwright.engines.sampling import GREEDY
from callwright.errors import ConfigError, DataError, StorageError
from callwright.evaluation.answerer import EngineAnswerer
from callwright.evaluation.bfcl import load_category, sample
from callwright.evaluation.entries import bfcl_questions
from callwright.evaluation.plays import OneAnswer
from callwright.evaluation.row import summarize
from callwright.evaluation.run import evaluate
from callwright.evaluation.settings import DEFAULT_CATEGORIES, BfclSettings
from callwright.formats import get_format
from callwright.scoring.entry import BfclEntry, to_tools
from callwright.settings import validated
from callwright.tokens import encode_segments

FORMAT, TOKENIZER = get_format("xml"), tiny_tokenizer()
PARAMETERS = {"type": "dict", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "weather.get", "description": "The weather.", "parameters": PARAMETERS}
NAMES = ("simple_python", "parallel", "irrelevance")
SETTINGS = BfclSettings(batch_size=4)


def call(city, name="weather.get"):
    return f'<tool_call>\n{{"name": "{name}", "args": {{"city": "{city}"}}}}\n</tool_call>'


def entry(category, index):
    asked = Message("user", f"{category} {index}: what is the weather in Paris" + " and Paris" * (index * 5 % 7))
    answers = {"simple_python": 1, "parallel": 2, "irrelevance": 0}[category]
    expected = ({"weather.get": {"city": ["Paris"]}},) * answers
    return BfclEntry(f"{category}_{index}", category, (asked,), (FUNCTION,), expected)


ENTRIES = {name: [entry(name, index) for index in range(5)] for name in NAMES}
OUTPUTS = {
    "simple_python_0": call("Paris"),
    "simple_python_1": call("Oslo"),
    "simple_python_2": call("Paris", name="weather"),
    "simple_python_3": call("Paris").replace("}", ""),
    "simple_python_4": "What is the weather?",
    "parallel_0": f"{call('Paris')}\n{call('Paris')}",
    "parallel_1": call("Paris"),
    "parallel_2": call("Paris") + call("Paris").replace("{", ""),
    "irrelevance_1": call("Paris"),
    "irrelevance_2": call("Paris").replace("{", ""),
}
ERRORS = {
    "simple_python_1": "value_error:string",
    "simple_python_2": "simple_function_checker:wrong_func_name",
    "simple_python_3": "ast_decoder:decoder_failed",
    "simple_python_4": "simple_function_checker:wrong_count",
    "parallel_1": "parallel_function_checker_no_order:wrong_count",
    "parallel_2": "parallel_function_checker_no_order:wrong_count",
    "parallel_3": "parallel_function_checker_no_order:wrong_count",
    "parallel_4": "parallel_function_checker_no_order:wrong_count",
    "irrelevance_1": "irrelevance_error:decoder_success",
}


def prompt(entry):
    segments = FORMAT.render(Conversation(entry.question, to_tools(entry)), add_generation_prompt=True).segments
    return tuple(encode_segments(TOKENIZER, segments)[0])


PROMPTS = {prompt(entry): entry.id for entries in ENTRIES.values() for entry in entries}


class Scripted:
    """An engine that says what OUTPUTS has, words where it has nothing; breaks down before batch `breaks_at`."""

    def __init__(self, *, cut=(), loops=(), breaks_at=None):
        self.cut, self.loops, self.breaks_at = cut, loops, breaks_at
        self.batches = []
        self.sizes = []

    def generate(self, prompts, *, max_new_tokens, sampling):
        assert sampling == GREEDY
        assert max_new_tokens == SETTINGS.max_new_tokens
        if len(self.batches) == self.breaks_at:
            raise RuntimeError("the engine broke down")
        ids = [PROMPTS[tuple(prompt)] for prompt in prompts]
        self.batches.append(ids)
        self.sizes.append([len(prompt) for prompt in prompts])
        return [self._say(name) for name in ids]

    def _say(self, name):
        said = tuple(TOKENIZER.encode(OUTPUTS.get(name, "the weather")))
        if name in self.loops:
            return Generation(said, "loop")
        return Generation(said, "length") if name in self.cut else Generation(said, "stop", 9)

    @property
    def asked(self):
        return [name for batch in self.batches for name in batch]


def run(directory, *, entries=ENTRIES, engine=None, settings=SETTINGS, **hooks):
    engine = engine or Scripted()
    plays = [OneAnswer(entry) for members in bfcl_questions(entries).values() for entry in members]
    done = evaluate(EngineAnswerer(engine, FORMAT, TOKENIZER), plays, settings, directory, **hooks)
    return done, engine


def rows(directory):
    """All rows by category and id, without what the clock said."""
    found = {}
    for name in NAMES:
        for row in read_jsonl(directory / f"{name}.jsonl"):
            assert (name, row["id"]) not in found, "two rows for one entry"
            assert row["category"] == name
            found[name, row["id"]] = {key: value for key, value in row.items() if key != "seconds"}
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The rows of an evaluation that was never stopped, and the batches it asked in."""
    directory = tmp_path_factory.mktemp("whole")
    done, engine = run(directory)
    assert done
    return rows(directory), engine


def test_every_entry_is_asked_once_and_has_one_row_with_its_verdict(whole):
    found, engine = whole
    names = [entry.id for entries in ENTRIES.values() for entry in entries]
    assert sorted(engine.asked) == sorted(names) == sorted(name for _, name in found)
    assert {name: row["error_type"] for (_, name), row in found.items() if not row["valid"]} == ERRORS


def test_a_row_says_what_was_asked_what_was_said_and_what_was_made_of_it(whole):
    row = whole[0]["simple_python", "simple_python_1"]
    asked = ENTRIES["simple_python"][1]
    assert row["question"] == asked.question[0].content
    assert TOKENIZER.decode(row["prompt_ids"]) == row["prompt"]
    assert tuple(row["prompt_ids"]) == prompt(asked)
    assert TOKENIZER.decode(row["token_ids"]) == row["raw"] == OUTPUTS[row["id"]]
    assert row["calls"] == [{"name": "weather.get", "arguments": {"city": "Oslo"}}]
    assert row["expected"] == [{"name": "weather.get", "arguments": {"city": "Paris"}}]
    assert (row["schema_version"], row["finish_reason"], row["complete"], row["parse_errors"]) == (1, "stop", True, [])
    assert "oslo" in row["error_detail"].lower()


def test_words_are_no_calls_and_an_unreadable_call_is_no_list_of_calls(whole):
    calls = {name: row["calls"] for (_, name), row in whole[0].items()}
    assert calls["simple_python_4"] == calls["irrelevance_0"] == []
    assert calls["simple_python_3"] is calls["irrelevance_2"] is None
    assert len(calls["parallel_2"]) == 1
    errors = {name for (_, name), row in whole[0].items() if row["parse_errors"]}
    assert errors == {"simple_python_3", "parallel_2", "irrelevance_2"}


def test_a_call_that_the_limit_cut_is_no_call(tmp_path, monkeypatch):
    monkeypatch.setitem(OUTPUTS, "simple_python_0", call("Paris")[:-5])
    run(tmp_path, engine=Scripted(cut=("simple_python_0",)))
    row = rows(tmp_path)["simple_python", "simple_python_0"]
    assert (row["valid"], row["complete"], row["finish_reason"], row["calls"]) == (False, False, "length", None)


def test_a_loop_is_scored_as_a_cut_is_and_counted(tmp_path, monkeypatch):
    """So where no tool fits it is right unless it called something."""
    names = ("simple_python_0", "irrelevance_0", "irrelevance_1", "irrelevance_3")
    for name, begun in (("simple_python_0", call("Paris")[:-5]), ("irrelevance_3", "so " * 9 + call("Oslo")[:-5])):
        monkeypatch.setitem(OUTPUTS, name, begun)
    cut, loop = ({}, {})
    for found, engine in ((cut, Scripted(cut=names)), (loop, Scripted(loops=names))):
        run(tmp_path / str(len(engine.loops)), engine=engine)
        found.update(rows(tmp_path / str(len(engine.loops))))
    for key, row in loop.items():
        assert row == cut[key] | {"finish_reason": "loop" if key[1] in names else "stop"}
    verdicts = {name: loop[name.rpartition("_")[0], name]["valid"] for name in names}
    assert verdicts == dict(zip(names, (False, True, False, True), strict=True))
    assert summarize(tmp_path / "4", "irrelevance").loops == 3


@pytest.mark.parametrize("city", ["\\ud800", "\\u0000", "\\u2028", "é \U0001f600", "\x7f"])
def test_whatever_a_model_says_becomes_a_row(tmp_path, monkeypatch, city):
    """Half of a surrogate pair is plain text when it is said, and no text at all once the call is read."""
    monkeypatch.setitem(OUTPUTS, "simple_python_0", call(city))
    assert run(tmp_path)[0]
    row = rows(tmp_path)["simple_python", "simple_python_0"]
    assert row["calls"][0]["arguments"] == json.loads(f'{{"city": "{city}"}}')
    assert row["error_type"] == "value_error:string"
    assert not run(tmp_path)[1].batches
    (tmp_path / "simple_python.jsonl").read_bytes().decode("utf-8", "strict")


def test_prompts_of_similar_length_are_asked_together_the_longest_first(whole):
    sizes = whole[1].sizes
    assert [size for batch in sizes for size in batch] == sorted((len(ids) for ids in PROMPTS), reverse=True)
    assert max(map(len, sizes)) == SETTINGS.batch_size


def test_the_order_in_which_entries_come_changes_neither_batches_nor_rows(whole, tmp_path):
    draw = random.Random(1)
    shuffled = {name: draw.sample(ENTRIES[name], 5) for name in reversed(NAMES)}
    _, engine = run(tmp_path, entries=shuffled)
    assert engine.batches == whole[1].batches
    assert rows(tmp_path) == whole[0]


def test_it_stops_before_a_batch_when_asked_and_goes_on_with_the_next_one(whole, tmp_path):
    first = Scripted()
    done, _ = run(tmp_path, engine=first, should_stop=lambda: len(first.batches) == 2)
    assert not done
    assert first.batches == whole[1].batches[:2]
    assert len(rows(tmp_path)) == len(first.asked)
    done, second = run(tmp_path)
    assert done
    assert first.batches + second.batches == whole[1].batches
    assert rows(tmp_path) == whole[0]


def test_a_finished_evaluation_asks_nothing(tmp_path, whole):
    run(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    done, engine = run(tmp_path, should_stop=lambda: True)
    assert done
    assert not engine.batches
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_engine_that_breaks_down_loses_no_row_of_earlier_batches(whole, tmp_path):
    for batches in (1, 2):
        with pytest.raises(RuntimeError, match="broke down"):
            run(tmp_path, engine=Scripted(breaks_at=1))
        assert rows(tmp_path).keys() == {
            (name.rpartition("_")[0], name) for batch in whole[1].batches[:batches] for name in batch
        }
    assert run(tmp_path)[0]
    assert rows(tmp_path) == whole[0]


def test_a_full_disk_stops_it_with_one_line_and_keeps_earlier_rows(whole, tmp_path, monkeypatch):
    append = storage.JsonLines.append
    written = []

    def until_full(self, *new):
        if len(written) == 4:
            with storage.writing(self.path):
                raise OSError(errno.ENOSPC, "No space left on device")
        append(self, *new)
        written.append(new)

    with monkeypatch.context() as full:
        full.setattr(storage.JsonLines, "append", until_full)
        with pytest.raises(StorageError, match="No space left on device; free some space and run the same command"):
            run(tmp_path)
    assert len(rows(tmp_path)) == sum(map(len, written)) > 0
    assert run(tmp_path)[0]
    assert rows(tmp_path) == whole[0]


@pytest.mark.parametrize("seed", range(6))
def test_files_cut_at_any_byte_are_completed_to_the_same_rows_without_asking_for_others(whole, tmp_path, seed):
    """As a kill leaves them: whole rows, then possibly a torn one, in each file as far as it got."""
    draw = random.Random(seed)
    run(tmp_path)
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        path.write_bytes(data[: draw.randrange(len(data) + 1)])
    kept = {name for _, name in rows(tmp_path)}
    done, engine = run(tmp_path)
    assert done
    assert rows(tmp_path) == whole[0]
    # A batch with a missing row is asked as a whole, in its old company; a complete one is not asked again.
    assert engine.batches == [batch for batch in whole[1].batches if set(batch) - kept]
    for name in NAMES:
        for line in (tmp_path / f"{name}.jsonl").read_text().splitlines():
            json.loads(line)


def test_progress_counts_what_was_found_first_and_every_entry_once(tmp_path):
    told = []
    run(tmp_path, advance=lambda *progress: told.append(progress))
    assert [count for count, _ in told] == [0, 4, 4, 4, 3]
    assert sum(share for _, share in told) == pytest.approx(1)
    path = tmp_path / "parallel.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))
    told.clear()
    run(tmp_path, advance=lambda *progress: told.append(progress))
    assert told[0][0] == 13
    assert sum(count for count, _ in told) == 15
    assert sum(share for _, share in told) == pytest.approx(1)


def test_long_entries_are_more_of_the_work_than_short_ones(tmp_path, whole):
    """So what is left is not overestimated from the longest, which are asked first."""
    told = []
    run(tmp_path, advance=lambda *progress: told.append(progress))
    tokens = [
        sum(len(whole[0][key]["prompt_ids"]) + SETTINGS.max_new_tokens for key in whole[0] if key[1] in batch)
        for batch in whole[1].batches
    ]
    assert [share for _, share in told[1:]] == pytest.approx([count / sum(tokens) for count in tokens])
    each = [share / count for count, share in told[1:]]
    assert each == sorted(each, reverse=True) and each[0] > each[-1]


def test_a_summary_adds_up_the_rows(tmp_path, whole):
    run(tmp_path)
    found = summarize(tmp_path, "parallel")
    mine = [row for (name, _), row in whole[0].items() if name == "parallel"]
    assert found.verdicts == {row["id"]: row["valid"] for row in mine}
    assert found.called == 3
    assert found.errors == Counter({"parallel_function_checker_no_order:wrong_count": 4})
    assert found.tokens == sum(len(row["prompt_ids"]) + len(row["token_ids"]) for row in mine)
    assert summarize(tmp_path, "multiple").verdicts == {}


def test_an_entry_with_two_rows_counts_once(tmp_path):
    run(tmp_path)
    found = summarize(tmp_path, "parallel")
    path = tmp_path / "parallel.jsonl"
    path.write_text(path.read_text() * 2)
    assert summarize(tmp_path, "parallel") == found


@pytest.mark.parametrize(
    ("change", "where", "got"),
    [
        ({"id": 5}, "id", "5"),
        ({"valid": None}, "valid", "None"),
        ({"valid": "yes"}, "valid", "'yes'"),
        ({"valid": False, "error_type": None}, "error_type", "None"),
        ({"calls": "f()"}, "calls", r"'f\(\)'"),
        ({"calls": [{"name": "f", "arguments": 5}]}, r"calls\.0\.arguments", "5"),
        ({"prompt_ids": None}, "prompt_ids", "None"),
        ({"seconds": -1}, "seconds", "-1"),
        ({"seconds": float("nan")}, "seconds", "nan"),
        ({"seconds": True}, "seconds", "True"),
        ({"schema_version": 2}, "schema_version", "2"),
        ({"seconds": ...}, "seconds", "nothing"),
        ({"valid": ...}, "valid", "nothing"),
        ({"id": ...}, "id", "nothing"),
    ],
    ids=str,
)
def test_a_line_that_is_no_row_is_named_and_no_entry_is_asked(tmp_path, change, where, got):
    run(tmp_path)
    path = tmp_path / "parallel.jsonl"
    lines = path.read_text().splitlines()
    row = {name: value for name, value in (json.loads(lines[1]) | change).items() if value is not ...}
    path.write_text("\n".join([lines[0], json.dumps(row), *lines[2:-1]]) + "\n")
    says = f"{where} in line 2 of {path}.*; got {got}; take the line out and give the run's command again"
    with pytest.raises(DataError, match=says):
        summarize(tmp_path, "parallel")
    engine = Scripted()
    with pytest.raises(DataError, match=says):
        run(tmp_path, engine=engine)
    assert engine.batches == []


def test_a_number_samples_every_category_by_its_share():
    chosen = BfclSettings(sample=62).entries()
    assert {name: len(entries) for name, entries in chosen.items()} == {
        "simple_python": 20,
        "multiple": 10,
        "parallel": 10,
        "parallel_multiple": 10,
        "irrelevance": 12,
    }
    assert all(entry.category == name for name, entries in chosen.items() for entry in entries)
    assert BfclSettings(sample=62).entries() == chosen
    assert BfclSettings(sample=62, seed=1).entries() != chosen
    two = BfclSettings(sample=10, categories=("parallel", "irrelevance")).entries()
    assert {name: len(entries) for name, entries in two.items()} == {"parallel": 5, "irrelevance": 5}


def test_a_mapping_samples_each_category_on_its_own_and_in_any_number():
    chosen = BfclSettings(sample={"parallel": 3, "irrelevance": 2, "multiple": 0}).entries()
    assert {name: len(entries) for name, entries in chosen.items()} == {"parallel": 3, "irrelevance": 2}
    assert chosen["parallel"] == sample({"parallel": load_category("parallel")}, 3, 0)
    larger = BfclSettings(sample={"parallel": 30}).entries()
    assert set(_ids(chosen["parallel"])) < set(_ids(larger["parallel"]))


def test_the_base_model_may_be_asked_fewer_which_are_among_the_others():
    settings = BfclSettings(sample=62, baseline_sample=10)
    fewer, more = settings.entries(baseline=True), settings.entries()
    assert sum(map(len, fewer.values())) == 10
    assert all(set(_ids(fewer[name])) <= set(_ids(more[name])) for name in fewer)
    assert BfclSettings(sample=62).entries(baseline=True) == more


def test_null_takes_every_entry():
    assert {name: len(entries) for name, entries in BfclSettings(sample=None).entries().items()} == {
        "simple_python": 400,
        "multiple": 200,
        "parallel": 200,
        "parallel_multiple": 200,
        "irrelevance": 240,
    }
    assert BfclSettings(sample=1240).entries() == BfclSettings(sample=None).entries()


@pytest.mark.parametrize("size", [0, -1, 1241, {"parallel": 201}, {"parallel": -1}])
def test_a_sample_of_a_size_that_does_not_exist_is_refused(size):
    with pytest.raises(ConfigError, match="a sample of 1 to"):
        BfclSettings(sample=size).entries()


@pytest.mark.parametrize("wrong", [{"sample": {"paralel": 3}}, {"sample": 5, "categories": ("paralel",)}])
def test_a_category_that_does_not_exist_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"a BFCL category as .* in c.yaml; got 'paralel'; did you mean parallel"):
        validated(BfclSettings, wrong, where="c.yaml")


def test_the_default_categories_are_the_scored_ones():
    assert BfclSettings().categories == DEFAULT_CATEGORIES
    assert list(BfclSettings(sample=40).entries()) == list(DEFAULT_CATEGORIES)


def _ids(entries):
    return [entry.id for entry in entries]
