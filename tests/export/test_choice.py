"""Which export to ship: the smallest that is shown to be no worse, and never more than the numbers say."""

from callwright.evaluation.statistics import mcnemar
from callwright.export.choice import Candidate, which_to_ship
from callwright.report.compare import Paired


def paired(gained=0, lost=0, both=150, neither=50):
    sides = [(True, True)] * both + [(False, False)] * neither + [(False, True)] * gained + [(True, False)] * lost
    return Paired(mcnemar(*({str(n): side[k] for n, side in enumerate(sides)} for k in (0, 1))))


def candidate(name, bytes, divergence=0.01, **compared):
    return Candidate(name=name, bytes=bytes, mean_divergence=divergence, compared=compared)


SAME, WORSE = paired(), paired(lost=30)
FEW = paired(gained=2, lost=3, both=10, neither=5)


def test_the_smallest_that_is_no_worse_is_shipped_and_what_speaks_against_smaller_ones_is_said():
    sentence = which_to_ship([candidate("f16", 600, tools=SAME), candidate("q8", 300, tools=SAME, bfcl=SAME),
                              candidate("q4", 200, tools=WORSE, bfcl=SAME)])  # fmt: skip
    assert sentence.startswith("Ship q8 (")
    assert "q4 is worse in tools" in sentence
    assert "f16" not in sentence


def test_one_suite_that_is_worse_is_enough_to_refuse():
    assert which_to_ship([candidate("q4", 200, tools=SAME, bfcl=WORSE)]).startswith("Ship none of these")


def test_too_few_entries_decide_nothing_but_name_the_nearest():
    sentence = which_to_ship([candidate("q8", 300, 0.001, tools=FEW), candidate("q4", 200, 0.1, tools=FEW)])
    assert sentence.startswith("Undecided")
    assert f"about {FEW.entries_needed} entries" in sentence
    assert "q8 (" in sentence


def test_an_undecided_smaller_one_does_not_win_over_one_that_is_shown():
    sentence = which_to_ship([candidate("q8", 300, tools=SAME), candidate("q4", 200, tools=FEW)])
    assert sentence.startswith("Ship q8")
    assert "q4 is undecided in tools" in sentence


def test_without_rows_nothing_is_said_of_calls():
    assert "Nothing is said" in which_to_ship([candidate("q8", 300)])
