"""The synthetic examples are the same to the bit for every seed and setting, whatever their declarations look like."""

import hashlib
import json

import pytest

from callwright.data.synthetic import SyntheticSettings, SyntheticSource
from callwright.openai import write_conversation

ONE_TOOL = {"multiple": 0, "parallel_multiple": 0}
ONLY_DIALOGUES = {"simple": 0, "multiple": 0, "parallel": 0, "parallel_multiple": 0, "irrelevance": 0, "dialogue": 1}
SETS = [
    ({"seed": 0, "examples": 700}, "8783d5046e97b8d04749365b7f4a9ba93b7b48ed0d3b85d20576feb4234cb663"),
    ({"seed": 1, "examples": 200}, "9380a3fded8c618be25397d326ef537f7d025233c27ef913b649e78c76c73c7e"),
    ({"seed": 20_260_101, "examples": 200}, "d5c10071b8317360212296b8cd12237329be988b10088232842628b565539774"),
    (
        {"seed": 2, "examples": 200, "max_tools": 8, "tools_length": 4000},
        "5c24b9e70592b1433c199d2ee7d1c2f5036fd340b036e5601f781e5688411b62",
    ),
    (
        {"seed": 3, "examples": 100, "max_tools": 2, "tools_length": 0},
        "1fddaa276ab4bb8c59115dc4899a3102dd52b798af4cabe6af8eb921dc57ba9b",
    ),
    (
        {"seed": 4, "examples": 100, "tools": 1, "mix": ONE_TOOL},
        "181ff4ff96fbd56770439f2dc91886cf51b11e369d5aaf5b7553422388a3e6a6",
    ),
    ({"seed": 5, "examples": 100, "tools": 2}, "da9fa7c1ece8265511d88e6f702ece9196ede7a80bfa59007bd34218076debca"),
    (
        {"seed": 6, "examples": 100, "tools": 6, "tools_length": 800},
        "da3678e8306826e0f07aaaf0571b5c6fb0347f747b2659807db7d1259b60d0d6",
    ),
    ({"seed": 7, "examples": 100, "tools": 40}, "01c69a11ef2912299c7a7ab85f00b3aa21c432048eb2d29dd8d781a9329e3560"),
    (
        {"seed": 8, "examples": 100, "mix": ONLY_DIALOGUES},
        "c24b2b9566fb4d74c4e603ca7f99baafddade72597d42e6371074349cffbfcba",
    ),
    (
        {"seed": 9, "examples": 100, "requests_per_offer": 1},
        "459e20025f3785c3d259ea1777df80c88610c353375c1f224efe7ca24549c998",
    ),
    (
        {"seed": 10, "examples": 100, "requests_per_offer": 30},
        "7bb3001fdb8e5d5573920ed66a69500a6703ba67d45e5681ecc7a1510a5a84b8",
    ),
]


def canonical_sha256(source):
    """Of every example as one line of JSON, keys in the order that the example has them."""
    digest = hashlib.sha256()
    for example in source:
        row = {"id": example.id, "kind": example.kind, **write_conversation(example.conversation)}
        digest.update(json.dumps(row, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()


@pytest.mark.parametrize(("settings", "sha256"), SETS, ids=lambda value: value if isinstance(value, str) else "")
def test_the_examples_of_these_settings_are_these_bits(settings, sha256):
    assert canonical_sha256(SyntheticSource(SyntheticSettings(**settings))) == sha256
