"""The real Gemma 3 270M: its weights are whole, and its tokenizer is the published one.

The oracle is the published tokenizer.json. Over the strings of `published_gemma` the ids are equal in both modes, with
two exceptions, both meant:

- `▁` in text: the published file cannot tell it from a space; ours spells it in bytes, so that it survives decoding.
- `<image_soft_token>`: id 262144 lies beyond the embedding of the text model, so to us it is text.

In text mode the oracle is the same file with its control pieces taken out of the added tokens, because a tokenizer.json
has no such mode of its own.
"""

import ml_dtypes
import numpy as np
import pytest
from safetensors import safe_open
from tests.support.published_gemma import HARD, published_tokenizer, random_texts
from tests.support.tiny import GEMMA3_270M

from callwright.models.sources import BUILTIN, resolve_model
from callwright.models.tokenizer import from_tokenizers, load_tokenizer

MEANT_TO_DIFFER = ("▁", "<image_soft_token>")
TEXTS = [*HARD, *random_texts(2000)]


@pytest.fixture(scope="module")
def model():
    return resolve_model("gemma3-270m")


@pytest.fixture(scope="module")
def tokenizer(model):
    return load_tokenizer(model.directory)


@pytest.fixture(scope="module")
def oracle():
    """The text of the published tokenizer.json."""
    return published_tokenizer()


@pytest.mark.weights
def test_the_conversion_is_whole(model):
    assert model.config == GEMMA3_270M
    assert model.sha256 == BUILTIN["gemma3-270m"].sha256
    assert model.sha256.startswith("a5fd3b62")
    with safe_open(model.weights[0], framework="numpy") as file:
        names = list(file.keys())
        assert len(names) == 236
        assert sum(int(np.prod(file.get_slice(name).get_shape())) for name in names) == 268_098_176
        assert {file.get_slice(name).get_dtype() for name in names} == {"F32"}
        # The published norms are bfloat16 numbers. With the 1 that a GGUF adds, or with it taken away twice, few are.
        norms = [file.get_tensor(name) for name in names if name.endswith("norm.weight")]
        assert len(norms) == 6 * 18 + 1
        for norm in norms:
            assert np.array_equal(norm, norm.astype(ml_dtypes.bfloat16).astype(np.float32))
    assert model.license.text is not None
    assert "Gemma" in model.license.text.read_text(encoding="utf-8")


@pytest.mark.weights
@pytest.mark.parametrize("control", [False, True])
def test_every_text_comes_back_from_the_real_tokenizer(tokenizer, control):
    for text in TEXTS:
        assert tokenizer.decode(tokenizer.encode(text, control=control)) == text


@pytest.mark.weights
def test_no_text_says_a_control_token_of_the_real_tokenizer(tokenizer):
    markers = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>"]
    markers += ["<end_of_image>", *(f"<unused{i}>" for i in range(6242))]
    control = {tokenizer.token_id(marker) for marker in markers}
    assert len(control) == 6251
    for text in [*TEXTS, "".join(markers), *markers]:
        assert not control & set(tokenizer.encode(text))


@pytest.mark.weights
def test_control_text_has_the_published_ids(tokenizer, oracle):
    from tokenizers import Tokenizer

    published = Tokenizer.from_str(oracle)
    for text in TEXTS:
        theirs = published.encode(text, add_special_tokens=False).ids
        if any(part in text for part in MEANT_TO_DIFFER):
            assert tokenizer.encode(text, control=True) != theirs, f"no longer an exception: {text!r}"
        else:
            assert tokenizer.encode(text, control=True) == theirs, repr(text)


@pytest.mark.weights
def test_plain_text_has_the_ids_of_the_published_file_without_its_control_pieces(tokenizer, oracle):
    published = from_tokenizers(oracle)
    assert published.vocab_size == tokenizer.vocab_size == GEMMA3_270M.vocab_size
    for text in TEXTS:
        assert tokenizer.encode(text) == published.encode(text), repr(text)
        assert tokenizer.encode(text, control=True) == published.encode(text, control=True), repr(text)
