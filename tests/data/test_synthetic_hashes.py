"""The synthetic examples are the same to the bit for every seed and setting, whatever their declarations look like."""

import hashlib
import json

import pytest

from callwright.data.synthetic import SyntheticSettings, SyntheticSource
from callwright.openai import write_conversation

ONE_TOOL = {"multiple": 0, "parallel_multiple": 0}
ONLY_DIALOGUES = {"simple": 0, "multiple": 0, "parallel": 0, "parallel_multiple": 0, "irrelevance": 0, "dialogue": 1}
SETS = [
    ({"seed": 0, "examples": 700}, "2488cc48870007c6b84e290f1bf43938c16ae0aa7270f976e190646c1e35b1a9"),
    ({"seed": 1, "examples": 200}, "0a621b940f43ca33095436cfb770d29291cdbbe972e1c6aae1064a406643ded9"),
    ({"seed": 20_260_101, "examples": 200}, "4442812ee02cd6aa0e0b50c370ca89b7893acf875d2694144fbfb79fadfd1d46"),
    (
        {"seed": 2, "examples": 200, "max_tools": 8, "tools_length": 4000},
        "84cfc00eb5d65803da42b7b1d8d07185871007ba060a97960c5db5731b0cf337",
    ),
    (
        {"seed": 3, "examples": 100, "max_tools": 2, "tools_length": 0},
        "bdde7864f55bcc42fb54b7886769ee9e5fd0947927f9567cda6ff478d7e33e0d",
    ),
    (
        {"seed": 4, "examples": 100, "tools": 1, "mix": ONE_TOOL},
        "f301526a0d7b822cc487a7951eba5a0460ed4889caace25e82434b5e5a892cab",
    ),
    ({"seed": 5, "examples": 100, "tools": 2}, "bebc629a5944e926203b5e57fcf4f4bf6692f8f58aef948aee399bf7e3ba78a6"),
    (
        {"seed": 6, "examples": 100, "tools": 6, "tools_length": 800},
        "2bcdad34418d8730f8654db90f99633b776ac4064c218f9f7c6b80a87c9ffac3",
    ),
    ({"seed": 7, "examples": 100, "tools": 40}, "b24a8bd42b35b5fa2dabb15dd0e6cea5b435dcad475f8647e06595cc850e1c68"),
    (
        {"seed": 8, "examples": 100, "mix": ONLY_DIALOGUES},
        "321d048156fda04f39d9bc143d9444f0992be032a933503c21d905bbd8eb8b3a",
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
