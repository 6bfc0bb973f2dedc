"""What is on disk is whole: the old bytes or the new ones, and of a log every line that was said to be there."""

import errno
import json
import os
import re
import resource
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.jsonl import read_jsonl

from callwright.errors import DataError, StorageError
from callwright.storage import (
    JsonLines,
    atomic_file,
    cache_dir,
    check_writable,
    sha256_file,
    sha256_json,
    write_bytes,
    write_json,
    write_text,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=3)


@contextmanager
def full_disk(size):
    """Files of this process cannot grow beyond `size` bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_whole_file_replaces_the_old_one_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "deep" / "er" / "file"
    write_text(path, "old")
    write_text(path, "neu: ü")
    assert path.read_bytes() == "neu: ü".encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_keeps_the_old_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), atomic_file(path) as handle:
        handle.write(b"half of the new")
        _ = 1 / 0
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    code = """
import os, signal, sys
from callwright.storage import atomic_file
with atomic_file(sys.argv[1]) as handle:
    handle.write(b"x" * 100_000)
    handle.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code, path]).returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_a_full_disk_is_a_storage_error_that_names_the_file_and_keeps_the_old_one(tmp_path):
    path = tmp_path / "file"
    write_text(path, "old")
    with full_disk(1000), pytest.raises(StorageError, match=f"expected to write {path}"):
        write_bytes(path, b"x" * 2000)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_space_left_says_to_free_some(tmp_path, monkeypatch):
    def refuse(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match="No space left on device; free some space and run the same command again"):
        write_bytes(tmp_path / "file", b"x")


def test_a_directory_that_cannot_be_made_is_a_storage_error(tmp_path):
    write_text(tmp_path / "file", "")
    with pytest.raises(StorageError, match="check the path and its rights"):
        write_text(tmp_path / "file" / "below", "")
    with pytest.raises(StorageError, match="check the path and its rights"):
        JsonLines(tmp_path / "file" / "below")


def test_a_written_file_has_the_rights_that_any_new_file_would_have(tmp_path):
    (tmp_path / "plain").touch()
    write_text(tmp_path / "whole", "")
    rights = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "whole")}
    assert len(rights) == 1


@given(JSON)
def test_json_comes_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "file"
    write_json(path, value)
    assert json.loads(path.read_text()) == value


@given(st.lists(OBJECTS, max_size=5), st.integers(0, 5))
def test_lines_come_back_in_order_however_often_the_file_is_opened(tmp_path_factory, rows, cut):
    path = tmp_path_factory.mktemp("lines") / "file"
    for part in (rows[:cut], rows[cut:]):
        with JsonLines(path) as lines:
            for row in part:
                lines.append(row)
    assert read_jsonl(path) == rows


@pytest.mark.parametrize("size", range(20))
def test_a_torn_last_line_is_dropped_and_the_lines_before_it_stay(tmp_path, size):
    path = tmp_path / "file"
    whole = b'{"a":1}\n{"b":"\xc3\xbc"}\n'
    path.write_bytes(whole[:size])
    kept = [{"a": 1}, {"b": "ü"}][: whole[:size].count(b"\n")]
    assert read_jsonl(path) == kept
    with JsonLines(path) as lines:
        lines.append({"c": 2})
    assert read_jsonl(path) == [*kept, {"c": 2}]


def test_a_line_that_was_appended_survives_a_kill(tmp_path):
    path = tmp_path / "file"
    code = """
import os, signal, sys
from callwright.storage import JsonLines
lines = JsonLines(sys.argv[1])
lines.append({"a": 1}, {"b": 2})
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code, path]).returncode == -signal.SIGKILL
    assert read_jsonl(path) == [{"a": 1}, {"b": 2}]


def test_a_log_on_a_full_disk_is_a_storage_error_and_keeps_its_lines(tmp_path):
    path = tmp_path / "file"
    with full_disk(200), pytest.raises(StorageError, match="what was written before is kept"), JsonLines(path) as lines:
        for number in range(100):
            lines.append({"number": number})
    kept = read_jsonl(path)
    assert len(kept) > 5
    assert kept == [{"number": number} for number in range(len(kept))]


def test_a_missing_log_is_empty(tmp_path):
    assert read_jsonl(tmp_path / "nothing") == []
    (tmp_path / "file").touch()
    assert read_jsonl(tmp_path / "file" / "below") == []


@pytest.mark.parametrize(
    ("line", "got"),
    [
        (b'{"a":', "Expecting value"),
        (b"[1]", "a JSON list"),
        (b"null", "a JSON NoneType"),
        (b'{"a": "\xff"}', "can't decode byte 0xff"),
        (b"\x00\x00\x00\x00", "Expecting value"),
        (b"[" * 100_000, "maximum recursion depth"),
        (b"1" * 5000, "digits"),
    ],
)
def test_a_whole_line_that_is_no_object_is_refused_by_its_number(tmp_path, line, got):
    path = tmp_path / "file"
    path.write_bytes(b'{"a":1}\n\n' + line + b'\n{"b":2}\n{"torn')
    with pytest.raises(DataError, match=f"a JSON object in line 3 of {path}; got .*{got}.*; correct the line"):
        read_jsonl(path)


def test_a_log_that_cannot_be_read_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match=f"to read {tmp_path}; got Is a directory; check the path"):
        read_jsonl(tmp_path)
    with pytest.raises(StorageError, match="File name too long"):
        read_jsonl(tmp_path / ("y" * 300))


def test_hashes_are_of_bytes_and_of_values(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_file(tmp_path / "file") == abc
    assert sha256_json({"b": [1, "ü"], "a": None}) == sha256_json({"a": None, "b": [1, "ü"]})
    assert sha256_json({"a": 1}) != sha256_json({"a": 1.5})


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"CALLWRIGHT_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/callwright"),
        ({"XDG_CACHE_HOME": ""}, "/h/.cache/callwright"),
        ({"CALLWRIGHT_CACHE": "~/c"}, "/h/c"),
    ],
)
def test_the_cache_is_where_the_user_says(monkeypatch, environment, wanted):
    for name in ("CALLWRIGHT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (environment | {"HOME": "/h"}).items():
        monkeypatch.setenv(name, value)
    assert str(cache_dir()) == wanted


def test_a_path_is_checked_before_the_work_and_nothing_is_left(tmp_path):
    check_writable(tmp_path / "new" / "deeper" / "page.html")
    (tmp_path / "file").touch()
    check_writable(tmp_path / "file")
    for path in (tmp_path, tmp_path / "file" / "page.html"):
        with pytest.raises(StorageError, match=re.escape(f"expected to write {path}; got ")):
            check_writable(path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
