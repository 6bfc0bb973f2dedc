"""Loss and gradients do not depend on how many devices or processes hold the rows; nor does what each must hold."""

import dataclasses
import json
import os
import socket
import subprocess
import sys

import pytest
from tests.support.tiny import TINY, write_tiny_model

ROWS = 8

pytestmark = pytest.mark.slow


def start(model, devices, *processes, rows=ROWS):
    command = [sys.executable, "-m", "tests.support.devices_process", str(model), str(rows), str(devices)]
    command += map(str, processes)
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def told(process):
    output, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors[-2000:]
    return json.loads(output.splitlines()[-1])


@pytest.fixture(scope="module")
def one_device(shallow_model):
    return told(start(shallow_model.directory, 1))


@pytest.fixture(scope="module")
def wide_model(tmp_path_factory):
    """A model whose vocabulary is most of it, as Gemma's is."""
    changes = {"num_layers": 1, "vocab_size": 1 << 17}
    return write_tiny_model(tmp_path_factory.mktemp("wide") / "model", dataclasses.replace(TINY, **changes))


def test_a_device_needs_no_more_memory_among_eight_than_alone(wide_model):
    alone, among_eight = (told(start(wide_model, devices, rows=devices))["temporary"] for devices in (1, 8))
    assert among_eight < 1.1 * alone


def check(found, wanted):
    assert found["loss"] == pytest.approx(wanted["loss"], rel=1e-5)
    assert found["gradients"].keys() == wanted["gradients"].keys()
    for name, (checksum, norm) in wanted["gradients"].items():
        assert found["gradients"][name] == pytest.approx([checksum, norm], rel=1e-3, abs=1e-3 * norm), name


def test_eight_devices_compute_and_learn_what_one_does(shallow_model, one_device):
    eight = told(start(shallow_model.directory, 8))
    check(eight, one_device)
    assert sorted(eight["rows"]) == [[row, row + 1] for row in range(ROWS)]
    assert len(eight["losses"]) == 3
    assert eight["losses"] == pytest.approx(one_device["losses"], rel=1e-4)


def test_two_processes_compute_what_one_computes(shallow_model, one_device):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = [start(shallow_model.directory, 2, 2, number, port) for number in (0, 1)]
    said = [told(process) for process in both]
    for one in said:
        check(one, one_device)
    assert sorted(rows for one in said for rows in one["rows"]) == [[0, ROWS // 2], [ROWS // 2, ROWS]]
