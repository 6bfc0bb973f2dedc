"""The verdict is shown first, each finding with both sides, marked, and nothing of a server acts."""

import io
import re

import pytest
from tests.support.bakeoff_traces import CALLS, changed, ended, ids, prompt_of, text_of, trace, write
from tests.support.fake_run import HOSTILE

from callwright.bakeoff.verdict.compare import compare
from callwright.bakeoff.verdict.page import render, write_page
from callwright.bakeoff.verdict.terminal import print_verdict
from callwright.bakeoff.verdict.traces_on_disk import read_all_traces
from callwright.evaluation.row import RowCall

URL = "http://127.0.0.1:8080/v1/chat/completions"
OTHER = RowCall(name="memory_write", arguments={"key": "movie", "content": "The Matrix"})
QUANTIZED = {"raw": text_of(OTHER), "output_ids": ids(f"{text_of(OTHER)}<end>"), "strict_calls": (OTHER,)}
DOCTORED = prompt_of(0).replace("<turn>system", "<turn>sýstem")


@pytest.fixture
def directory(tmp_path):
    arms = []
    for task in ("memory", "movies"):
        for wording in range(5):
            key = {"task": task, "wording": wording}
            arms += [
                trace("jax", **key),
                trace("mock", url=URL, **key),
                changed(trace("llamacpp-raw", **key), 1, **QUANTIZED),
                changed(trace("llamacpp-chat", url=URL, **key), 0, prompt=DOCTORED, prompt_ids=ids(DOCTORED)),
                changed(trace("openai", url=URL, tells="calls", **key), 1, runtime_calls=(), content=text_of(CALLS[1])),
            ]
    return write(tmp_path, *arms, ended(trace("gemma-jax"), 0, "env_missing"))


def page_of(directory):
    return render(compare(directory, "jax"), read_all_traces(directory).arms)


def printed(verdict):
    file = io.StringIO()
    print_verdict(verdict, file)
    return file.getvalue()


def test_the_sentence_comes_first(directory):
    verdict = compare(directory, "jax")
    assert printed(verdict).splitlines()[0] == verdict.sentence
    page = page_of(directory)
    assert re.search(r"<h1>(.*?)</h1>", page)[1] == verdict.sentence
    assert page.index("<h1>") < page.index("<table")


def test_the_terminal_has_a_row_for_each_arm_and_the_first_finding_of_each_cause(directory):
    text = printed(compare(directory, "jax"))
    rows = {line.split()[0]: line for line in text.splitlines() if line[:1].isalpha() and "10/10" in line}
    assert {"jax", "mock", "llamacpp-raw", "llamacpp-chat", "openai"} <= rows.keys()
    assert "INCONCLUSIVE (+0 -0 of 10)" in rows["mock"]
    assert rows["mock"].endswith("faithful") and rows["openai"].endswith("not faithful")
    assert "llamacpp-chat: template, 10 runs, first in memory, wording 0, seed 1, step 0" in text
    assert text.count(": template, ") == 1


def test_both_sides_stand_in_columns_marked_to_the_byte_and_the_token(directory):
    page = page_of(directory)
    assert "<s>s</s><mark>ý</mark><s>stem</s>" in page
    assert f"<mark><kbd>{ord('ý')}</kbd></mark>" in page
    assert "<mark>film</mark>" in page and "<mark>movie</mark>" in page
    assert page.count("here they part") == 9, "three of each arm are shown whole"
    assert "And in memory, wording 3, seed 1, step 0; memory, wording 4, seed 1, step 0; movies, wording 0" in page
    assert page.count("curl -s") == 6
    assert "not told" in page_of(directory)


def test_the_first_run_of_each_task_has_all_arms_side_by_side(directory):
    page = page_of(directory)
    for task in ("memory", "movies"):
        assert f"<h2>{task}, wording 0, seed 1 <small>all arms</small></h2>" in page
    assert page.count('<td class="parts"><b>template</b>') == 2


def test_nothing_of_a_server_becomes_markup_and_nothing_is_loaded(tmp_path):
    evil = "".join(HOSTILE)
    call = RowCall(name=evil, arguments={evil: evil})
    fields = {"content": evil, "raw": evil, "output_ids": None, "runtime_calls": (call,), "prompt": evil}
    fields |= {"prompt_ids": None, "error": evil, "results": (evil,), "stop_reason": evil}
    clean = changed(trace("served", url=URL), 1, content="x")
    hostile = changed(trace("evil", url=f"{URL}{evil}", task="movies"), 1, **fields)
    write(tmp_path, trace("jax"), clean, hostile)
    verdict = compare(tmp_path, "jax")
    write_page(verdict, read_all_traces(tmp_path).arms, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert not re.search("<(script|img|svg|iframe|a|base|link|form)\\b", page)
    assert "default-src 'none'" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", page)
    assert all(line.isprintable() for line in printed(verdict).splitlines())
