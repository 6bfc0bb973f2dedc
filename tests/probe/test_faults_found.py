"""The probe finds every fault, names its cause and no other, and raises no alarm where there is none.

Faults are switched on one at a time in a proxy before a server that is faithful by construction; they were written
without looking at how the probe explains differences. Each is looked for in the cases of its own classes, and in a
spread of all others, which it may meet too; whatever the probe calls a fault there must have its cause.
"""

from functools import cache

import pytest
from tests.support.faithful_target import FaithfulTarget
from tests.support.fault_proxy import FAULTS
from tests.support.instruments import EVERY_FORMAT

from callwright.formats import get_format
from callwright.probe import run
from callwright.probe.cases.load import read_cases
from callwright.probe.plan import make_plan

SHOWN = "qwen3"
"""The format in which faults are looked for that name none: it has tools, calls in JSON, results and thoughts."""
QUICK = 3
"""One of how many of the faults is looked for in `make test`, and the others in `make test-all`."""


@cache
def cases():
    return read_cases().cases


@pytest.fixture(autouse=True, scope="module")
def plans_made_once():
    """The instruments of a format are the same whatever is tested, and take longer to make than a fault to be found."""
    made = {}

    def planned(fmt, asked, *, one_file=False):
        assert len(asked) == len(cases())
        if fmt.id not in made:
            made[fmt.id] = make_plan(fmt, asked, one_file=one_file)
        return made[fmt.id]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "make_plan", planned)
        yield


def some_cases(spread, fault=None):
    """What is about the fault, and one in `spread` of all else."""
    if fault is not None and fault.kind == "sampling":
        return [case for case in cases() if case.kind == "sampling"]
    others = [case for case in cases() if case.kind != "sampling"][::spread]
    own = [case for case in cases() if fault is not None and case.fault_class in fault.classes]
    return list({case.id: case for case in (*own, *others)}.values())


def causes_of(fault, fmt, asked):
    """Every cause that the probe names, with the cases that it is named for."""
    found = {}
    for outcome in run.run_probe(FaithfulTarget(fault), [fmt], cases(), only={case.id for case in asked}).cases:
        if outcome.result in ("fault", "choice"):
            found.setdefault(outcome.cause, []).append(outcome.id)
    return found


def check(fault, fmt, asked):
    found = causes_of(fault, fmt, asked)
    wrong = {cause: ids for cause, ids in found.items() if not set(cause.split(" + ")) <= set(fault.classes)}
    assert not wrong
    assert fault.classes[0] in found


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if n % QUICK else ()) for n, name in enumerate(FAULTS)]
)
def test_a_fault_is_found_and_named(name):
    fault = FAULTS[name]
    check(fault, get_format(fault.formats[0] if fault.formats else SHOWN), some_cases(15, fault))


def test_without_a_fault_there_is_no_alarm():
    assert not causes_of(None, get_format(SHOWN), some_cases(6))


@pytest.mark.slow
def test_in_a_hundred_runs_there_is_no_alarm():
    for _ in range(100):
        assert not causes_of(None, get_format(SHOWN), some_cases(15))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variant"), EVERY_FORMAT)
def test_the_whole_set_raises_no_alarm_in_any_format(name, variant):
    assert not causes_of(None, get_format(name, variant), cases())


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FAULTS)[::12])
def test_a_fault_is_found_and_named_in_the_whole_set(name):
    fault = FAULTS[name]
    check(fault, get_format(fault.formats[-1] if fault.formats else SHOWN), cases())
