"""What the tensors of a GGUF are stored as, in words: a quantization's name says what most were meant to be.

llama.cpp's K types come in blocks of 256 along a row. A row that is no multiple of that, such as the 640 numbers of
Gemma 3 270M, falls back to a type with blocks of 32, and then two quantizations may differ in name only.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from callwright.html.numbers import count

_MEANT = {"q4_k_m": "Q4_K", "q5_k_m": "Q5_K", "q6_k": "Q6_K"}
_NAMED_AFTER = {type: type.lower() for type in ("F32", "F16", "BF16", "Q8_0")} | {_MEANT[name]: name for name in _MEANT}
"""The quantization that is named after a type."""
_SAME = 0.9
"""The share of matrices from which two quantizations count as nearly equal."""


def types_text(numbers: str, types: Mapping[str, str]) -> Iterator[str]:
    """Lines of Markdown: how many tensors have which type, and what became of the ones that were meant.

    Args:
      numbers: The quantization that was asked for.
      types: The type of each tensor by its name in the file; empty of other files than GGUFs.
    """
    if not types:
        yield f"All numbers are stored as {numbers}; they were merged in float32 and rounded once."
        return
    matrices = {name: type for name, type in types.items() if not _is_norm(name)}
    yield from _table(types)
    counts = Counter(matrices.values())
    meant = _MEANT.get(numbers)
    if meant and counts[meant] < len(matrices):
        yield ""
        yield (
            f"{numbers} is named after {meant}, which {count(counts[meant])} of {count(len(matrices))} matrices have: "
            "it needs rows of a multiple of 256 numbers, and the others were given types that do not."
        )
    [(most, number)] = counts.most_common(1)
    other = _NAMED_AFTER.get(most, "")
    if number >= _SAME * len(matrices) and other and other != numbers:
        yield ""
        yield f"Nearly all matrices are {most}, so that this file is nearly the same as one in {other}."


def nearly_equal(first: Mapping[str, str], second: Mapping[str, str]) -> bool:
    """Whether two files of the same model have the same type in nearly all of their matrices."""
    names = [name for name in first.keys() & second.keys() if not _is_norm(name)]
    return bool(names) and sum(first[name] == second[name] for name in names) >= _SAME * len(names)


def _table(types: Mapping[str, str]) -> Iterator[str]:
    places: dict[str, Counter[str]] = {}
    for name, type in types.items():
        places.setdefault(type, Counter())[re.sub(r"^blk\.\d+\.|\.weight$", "", name)] += 1
    yield "| Type | Tensors | Which |"
    yield "| --- | --- | --- |"
    for type in sorted(places, key=lambda type: -places[type].total()):
        which = ", ".join(f"{name} ({number})" if number > 1 else name for name, number in places[type].items())
        yield f"| {type} | {count(places[type].total())} | {which} |"


def _is_norm(name: str) -> bool:
    return name.removesuffix(".weight").endswith("norm")
