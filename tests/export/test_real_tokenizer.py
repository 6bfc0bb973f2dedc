"""The tokenizer.json that is written for the built-in model gives the published ids, over 10,000 texts."""

import random

import pytest
from sentencepiece import SentencePieceProcessor
from tests.support.published_gemma import HARD, published_tokenizer, random_texts
from tokenizers import Tokenizer

from callwright.export.tokenizer_json import ROLES, tokenizer_json
from callwright.models.sources import resolve_model

pytestmark = pytest.mark.weights
_REPEATED = ("=", "-", "a", "ab", "aba", "0", ".", "_", "ha", "xX", "日", "の")


def texts():
    """Prose, code and calls; and runs of a few letters, where merges overlap."""
    draw = random.Random(3)
    runs = ["".join(draw.choices(_REPEATED, k=draw.randrange(1, 60))) for _ in range(2000)]
    return [*HARD, *random_texts(8000), *runs]


@pytest.fixture(scope="module")
def model():
    return (resolve_model("gemma3-270m").directory / "tokenizer.model").read_bytes()


def test_ids_are_the_published_ones_and_sentencepieces_but_for_what_is_known(model):
    written = Tokenizer.from_str(tokenizer_json(model))
    published, google = Tokenizer.from_str(published_tokenizer()), SentencePieceProcessor(model_proto=model)
    compared = texts()
    assert len(compared) >= 10_000
    for text in compared:
        ids = written.encode(text, add_special_tokens=False).ids
        assert (ids == google.encode(text)) != any(role in text for role in ROLES.values()), repr(text)
        assert (ids == published.encode(text, add_special_tokens=False).ids) != ("<image_soft_token>" in text)
