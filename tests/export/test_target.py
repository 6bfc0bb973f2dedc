"""The directory of an export: there whole or not at all, with the terms of the weights, and nobody's files lost."""

import errno
import os
import subprocess
import sys

import pytest

from callwright.errors import ConfigError, StorageError, WorkError
from callwright.export import target as target_module
from callwright.export.target import SUMS, prepared, read_sums
from callwright.export.terms import NOTICE, notice_text, terms_text
from callwright.models.license import gemma_license

LICENSE = gemma_license()


def export(target, content=b"weights", **options):
    with prepared(target, 10, LICENSE, **options) as directory:
        (directory / "model.gguf").write_bytes(content)


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_an_export_holds_its_files_the_notice_and_the_sums_of_both(tmp_path):
    target = tmp_path / "runs" / "quick" / "gguf"
    export(target)
    assert names(target) == ["NOTICE", SUMS, "model.gguf"]
    assert names(target.parent) == ["gguf"]
    assert (target / NOTICE).read_text() == notice_text(LICENSE)
    assert read_sums(target).keys() == {"NOTICE", "model.gguf"}
    checked = subprocess.run(["sha256sum", "-c", SUMS], cwd=target, capture_output=True, check=True)
    assert checked.stdout.count(b": OK") == 2


def test_the_rights_are_those_of_any_directory_that_the_user_makes(tmp_path):
    export(tmp_path / "gguf")
    (tmp_path / "other").mkdir()
    assert (tmp_path / "gguf").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("reason", [KeyboardInterrupt, WorkError("a server", "none", "start it")])
def test_nothing_is_left_of_an_export_that_fails(tmp_path, reason):
    with pytest.raises((KeyboardInterrupt, WorkError)), prepared(tmp_path / "gguf", 10, LICENSE) as directory:
        (directory / "model.gguf").write_bytes(b"half")
        raise reason
    assert names(tmp_path) == []


def test_a_full_disk_is_told_before_anything_is_written(tmp_path, monkeypatch):
    usage = target_module.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(target_module.shutil, "disk_usage", lambda path: usage._replace(free=20_000_000))
    told = pytest.raises(StorageError, match=r"expected 543 MB of room in .* for gguf; got 20 MB; free some")
    with told, prepared(tmp_path / "gguf", 543_000_000, LICENSE):
        pytest.fail("the block is not entered")
    assert names(tmp_path) == []


def test_a_disk_that_fills_up_all_the_same_is_told_in_one_line(tmp_path):
    told = pytest.raises(StorageError, match=r"to write .*gguf; got No space left on device; free some space")
    with told, prepared(tmp_path / "gguf", 10, LICENSE):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert names(tmp_path) == []


def test_an_export_is_replaced_only_on_demand(tmp_path):
    target = tmp_path / "gguf"
    export(target)
    with pytest.raises(ConfigError, match="got one that holds NOTICE; name another with --out, or replace it with --f"):
        export(target, b"other")
    assert (target / "model.gguf").read_bytes() == b"weights"
    export(target, b"other", force=True)
    assert (target / "model.gguf").read_bytes() == b"other"
    assert names(tmp_path) == ["gguf"]


def test_the_old_export_stays_where_the_new_one_fails(tmp_path):
    target = tmp_path / "gguf"
    export(target)
    with pytest.raises(WorkError), prepared(target, 10, LICENSE, force=True):
        raise WorkError("a server", "none", "start it")
    assert (target / "model.gguf").read_bytes() == b"weights"
    assert names(tmp_path) == ["gguf"]


def test_a_directory_with_the_users_own_files_is_never_replaced(tmp_path):
    target = tmp_path / "gguf"
    export(target)
    (target / "letters").mkdir()
    (target / "letters" / "mine.txt").write_text("dear")
    with pytest.raises(ConfigError, match=r"holds letters/mine\.txt, which no export wrote"):
        export(target, force=True)
    assert (target / "letters" / "mine.txt").read_text() == "dear"
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="a file or a link"):
        export(tmp_path / "file", force=True)
    (tmp_path / "empty").mkdir()
    export(tmp_path / "empty")


def test_what_a_killed_export_left_behind_is_removed_and_one_under_way_is_not(tmp_path):
    code = (
        "import os, pathlib\n"
        "from callwright.export.target import prepared\n"
        "from callwright.models.license import gemma_license\n"
        f"with prepared(pathlib.Path({str(tmp_path / 'gguf')!r}), 10, gemma_license()):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert len(names(tmp_path)) == 1
    with pytest.raises(StorageError, match="Directory not empty"), prepared(tmp_path / "gguf", 10, LICENSE) as first:
        export(tmp_path / "gguf")
        assert names(tmp_path) == [first.name, "gguf"]
    assert (tmp_path / "gguf" / "model.gguf").read_bytes() == b"weights"


def test_full_terms_and_the_bases_own_notice_lie_beside_the_weights(tmp_path):
    (tmp_path / "base").mkdir()
    page = (
        "<html><head><title>x</title></head><nav>Menu</nav><article><h1>Terms</h1><p>Do   &amp; do not.</p></article>"
    )
    (tmp_path / "base" / "GEMMA_TERMS.html").write_text(page + "<p>Footer</p>")
    (tmp_path / "base" / "NOTICE.md").write_text("put together from parts")
    license = gemma_license(tmp_path / "base" / "GEMMA_TERMS.html")
    with prepared(tmp_path / "gguf", 10, license):
        pass
    assert names(tmp_path / "gguf") == ["GEMMA_TERMS.html", NOTICE, "NOTICE-of-the-base.md", SUMS]
    assert "ai.google.dev/gemma/terms" in notice_text(license) and "were modified" in notice_text(license)
    assert terms_text(license).endswith("\n\nTerms\n\nDo & do not.\n")
    assert terms_text(LICENSE) == notice_text(LICENSE)
