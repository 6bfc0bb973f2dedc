"""Noise changes the share of texts that it is asked to, and never a value."""

from callwright.data.own_tools.noise import spoken
from callwright.data.rng import Rng
from callwright.data.tools_file.conversations import Noise

TEXT = "check the checking account of Ann Check, please"
NOISE = Noise(speech=1, misheard={"checking": ["checkin", "chicken"], "check": "czech"})


def heard(noise=NOISE, values=("Ann Check",), text=TEXT):
    return [spoken(text, values, noise, Rng("heard", number)) for number in range(300)]


def test_every_text_is_changed_and_its_value_stays():
    texts = heard()
    assert TEXT not in texts
    assert all("Ann Check" in text for text in texts)
    assert {word for word in ("checkin ", "chicken", "zech", "Uh ", "um ") if any(word in text for text in texts)} == {
        "checkin ", "chicken", "zech", "Uh ", "um ",
    }  # fmt: skip


def test_without_noise_the_text_stays_and_with_some_a_share_is_changed():
    assert set(heard(Noise())) == {TEXT}
    assert 60 < sum(text != TEXT for text in heard(Noise(speech=0.3))) < 120


def test_a_text_that_is_nothing_but_a_value_is_only_preceded():
    assert all(text.endswith("Oslo") for text in heard(values=("Oslo",), text="Oslo"))


def test_letters_that_mean_something_to_patterns_are_letters():
    noise = Noise(speech=1, misheard={"c++ (new)": "c"})
    assert any("a.b*" in text for text in heard(noise, ("a.b*",), "run a.b* in c++ (new) now"))


def test_a_word_keeps_its_capital():
    assert any(text.startswith("Czech") for text in heard(text="Check it", values=()))
