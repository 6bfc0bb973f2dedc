"""The terms of the weights are shown once, and never lost."""

import pytest

from callwright.models.license import gemma_license, show_once


def test_the_notice_is_shown_once_for_each_cache(tmp_path):
    printed = []
    assert show_once(gemma_license(), printed.append, cache=tmp_path / "a")
    assert not show_once(gemma_license(), printed.append, cache=tmp_path / "a")
    assert show_once(gemma_license(), printed.append, cache=tmp_path / "b")
    assert len(printed) == 2
    assert "ai.google.dev/gemma/terms" in printed[0]


def test_a_notice_that_could_not_be_printed_is_shown_again(tmp_path):
    def broken(text):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        show_once(gemma_license(), broken, cache=tmp_path)
    assert show_once(gemma_license(), lambda text: None, cache=tmp_path)


def test_the_description_says_where_the_full_text_lies(tmp_path):
    assert str(tmp_path / "GEMMA_TERMS.html") in gemma_license(tmp_path / "GEMMA_TERMS.html").describe()
    assert "Full text" not in gemma_license().describe()
