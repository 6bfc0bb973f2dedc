"""An x-ray over a model's own vocabulary, taken from its GGUF: which of the model's tokens a prompt really becomes.

The vocabulary of other instruments cuts text into bytes; what they show is the template. Here the file holds the
tokenizer of a real model as it is (tokens, scores, types, merges, special ids and whatever else stands under
`tokenizer.`), so the runtime tokenizes as it would for that model, and the output gives the model's ids, to be
compared with those of a reference tokenizer.

Each token is displayed as three private-use characters, its id in digits of base 128, of which each place has its own
128 characters. They are one token, so the circuit is the ordinary x-ray's, and the vocabulary has twice as many tokens:
the model's, then one answer for each. No text becomes an answer: runtimes merge neighbors step by step, and no token of
the model holds two such characters, which is checked. So any text keeps its tokens, special tokens are displayed like
others, and no stop string, parser or grammar applies.

A file has 1.3 kB for each of the model's tokens: 335 MB for a vocabulary of 262,144.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callwright.errors import DataError, WeightsError
from callwright.instruments.architectures import on_architecture
from callwright.instruments.circuit import Circuit, codes
from callwright.instruments.files import check_context
from callwright.instruments.vocabulary import PRIVATE, PieceType
from callwright.instruments.xray import PromptWindow, copying_circuit, look_back_head
from callwright.models.gguf import open_gguf, write_weights
from callwright.models.weights import Architecture

BASE = 128
"""The base of the digits of an id; three of them reach two million ids."""
_DIGITS = "".join(f"[{chr(PRIVATE + n * BASE)}-{chr(PRIVATE + (n + 1) * BASE - 1)}]" for n in range(3))
_ANSWERS = re.compile(f"({_DIGITS})*")
_TWO_DIGITS = re.compile(f"[{chr(PRIVATE)}-{chr(PRIVATE + 3 * BASE - 1)}]{{2}}")
_PREFIX = "tokenizer."
_TOKENS, _SCORES, _TYPES = (f"{_PREFIX}ggml.{name}" for name in ("tokens", "scores", "token_type"))
_TEMPLATE = f"{_PREFIX}chat_template"
_BYTE_LEVEL = "gpt2"
_MODELS = ("llama", "gemma4", _BYTE_LEVEL)
_NEVER_MERGED = -1e6
_FIX = "name the GGUF of a model whose tokenizer is SentencePiece's or byte-pair encoding"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnVocabulary:
    """The tokenizer of a GGUF.

    Attributes:
      name: What the file calls its model.
      pieces: The tokens by id, spelled as in the file.
      eos_id: The token that ends a text.
      metadata: Every value under `tokenizer.` by its key, with its type and, of a list, its items' type.
    """

    name: str
    pieces: Sequence[str]
    eos_id: int
    metadata: Mapping[str, tuple[Any, Any, Any]]

    @property
    def vocab_size(self) -> int:
        """How many ids the model has."""
        return len(self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnXRay(PromptWindow):
    """An x-ray over a model's own vocabulary.

    Attributes:
      vocabulary: The model's.
      circuit: Its weights, before an architecture is chosen.
    """

    vocabulary: OwnVocabulary
    circuit: Circuit

    def write(
        self, path: Path, *, architecture: Architecture = "llama", context: int = 8192, template: str | None = None
    ) -> int:
        """Writes a GGUF, atomically, and returns how many bytes it has.

        Args:
          path: The file.
          architecture: The architecture of the weights.
          context: How many tokens prompt and answer may have together.
          template: A chat template instead of the model's own.

        Raises:
          ConfigError: The context is too short, or too long for a file.
          DataError: The path does not end in .gguf.
        """
        check_context(context, self.least_context)
        if path.suffix != ".gguf" or path.is_dir():
            raise DataError("a path that ends in .gguf", str(path), "name a file: the tokenizer comes from one")

        def add_vocabulary(writer: Any) -> None:
            for key, (value, kind, items) in _doubled(self.vocabulary).items():
                if not (key.startswith(_TEMPLATE) and template):
                    writer.add_key_value(key, value, kind, items)
            if template:
                writer.add_chat_template(template)

        write_weights(
            on_architecture(self.circuit, architecture, context),
            path,
            name=f"callwright x-ray {self.vocabulary.name}",
            dtype="float16",
            add_vocabulary=add_vocabulary,
        )
        return path.stat().st_size


def read_vocabulary(source: Path) -> OwnVocabulary:
    """The tokenizer of a GGUF.

    Raises:
      WeightsError: The file is broken, or its tokenizer is of another kind.
    """
    reader, values = open_gguf(source)
    model, pieces, types = (values.get(key) for key in (f"{_PREFIX}ggml.model", _TOKENS, _TYPES))
    if model not in _MODELS:
        raise WeightsError(f"a tokenizer of the model {', '.join(_MODELS)}", f"{model!r} in {source}", _FIX)
    eos = values.get(f"{_PREFIX}ggml.eos_token_id")
    if not isinstance(pieces, list) or not isinstance(types, list) or len(types) != len(pieces) > 0:
        raise WeightsError("tokens and as many types", f"others in {source}", _FIX)
    if len(pieces) > BASE**3 or not isinstance(eos, int) or not 0 <= eos < len(pieces):
        raise WeightsError(f"an end-of-sequence token among {len(pieces)}", f"{eos!r} in {source}", _FIX)
    for id_, piece in enumerate(pieces):
        if _TWO_DIGITS.search(piece):
            raise WeightsError("no token of several private-use characters", f"token {id_} in {source}", _FIX)
    metadata = {
        key: (values[key], field.types[0], field.types[-1] if len(field.types) > 1 else None)
        for key, field in reader.fields.items()
        if key.startswith(_PREFIX)
    }
    name = values.get("general.name")
    return OwnVocabulary(
        name=name if isinstance(name, str) else source.stem, pieces=pieces, eos_id=eos, metadata=metadata
    )


def make_own_xray(vocabulary: OwnVocabulary, prompt_tokens: int, start: int = 0) -> OwnXRay:
    """An x-ray for prompts of exactly `prompt_tokens` of the model's tokens; see `xray.make_xray`."""
    head, count = look_back_head(prompt_tokens, start), vocabulary.vocab_size
    code = codes(2 * count)
    proposed = code.copy()
    proposed[:count], proposed[count:] = code[count:], code[vocabulary.eos_id]
    circuit = copying_circuit(code, proposed, head)
    return OwnXRay(vocabulary=vocabulary, circuit=circuit, prompt_tokens=prompt_tokens, start=start)


def read_own_xray(vocab_size: int, output: str) -> list[int]:
    """The model's token ids that reached an x-ray over a vocabulary of this size.

    Raises:
      DataError: The output holds other characters than such an x-ray's.
    """
    end = _ANSWERS.match(output).end()  # type: ignore[union-attr]  # it matches nothing at least
    if end < len(output):
        got = f"{output[end]!r} at character {end}"
        raise DataError("an x-ray's groups of three private-use characters", got, "ask an x-ray")
    ids = []
    for place in range(0, end, 3):
        high, middle, low = ((ord(character) - PRIVATE) % BASE for character in output[place : place + 3])
        ids.append((high * BASE + middle) * BASE + low)
        if ids[-1] >= vocab_size:
            raise DataError(f"ids below {vocab_size}", f"{ids[-1]} at character {place}", "name the model's own GGUF")
    return ids


def _answer_piece(id_: int) -> str:
    digits = (id_ // BASE**2, id_ // BASE % BASE, id_ % BASE)
    return "".join(chr(PRIVATE + place * BASE + digit) for place, digit in enumerate(digits))


def _doubled(vocabulary: OwnVocabulary) -> dict[str, tuple[Any, Any, Any]]:
    """The metadata with an answer for each token behind the tokens."""
    from tokenizers.pre_tokenizers import ByteLevel

    count, metadata = vocabulary.vocab_size, dict(vocabulary.metadata)
    answers = [_answer_piece(id_) for id_ in range(count)]
    if metadata[f"{_PREFIX}ggml.model"][0] == _BYTE_LEVEL:
        # As GPT-2's tokenizer spells bytes; a line break is spelled Ċ.
        spelled = ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str("\n".join(answers))
        answers = "".join(piece for piece, _ in spelled).split("Ċ")
    for key, more in (
        (_TOKENS, answers),
        (_SCORES, [_NEVER_MERGED] * count),
        (_TYPES, [int(PieceType.NORMAL)] * count),
    ):
        if key in metadata:
            value, kind, items = metadata[key]
            metadata[key] = ([*value, *more], kind, items)
    return metadata
