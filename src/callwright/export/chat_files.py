"""What a runtime needs beside the weights to hold a chat: the tokenizer, the format's template, and where turns end.

The base's own tokenizer files are copied to the byte. Its chat template is not: the one that is written is the format's
of the export.
"""

import json
from pathlib import Path
from typing import Any

from callwright.errors import WeightsError
from callwright.export.response_template import response_template
from callwright.export.tokenizer_json import ROLES, tokenizer_json
from callwright.formats.base import Format
from callwright.models.sources import TOKENIZER_FILES, ModelFiles
from callwright.models.tokenizer import load_tokenizer
from callwright.storage import write_bytes, write_json, write_text

CONFIG = "tokenizer_config.json"


def write_chat_files(base: ModelFiles, fmt: Format, target: Path) -> None:
    """Writes the tokenizer's files, the format's chat template and generation_config.json into a directory.

    Args:
      base: The model that has the tokenizer.
      fmt: How conversations are written.
      target: The directory.

    Raises:
      WeightsError: A file of the base cannot be read.
    """
    own = {name: base.directory / name for name in TOKENIZER_FILES if (base.directory / name).is_file()}
    if "tokenizer.json" not in own:  # what stands beside it would be of another one than is written
        own = {"tokenizer.model": own["tokenizer.model"]}
        write_text(target / "tokenizer.json", tokenizer_json(_read(own["tokenizer.model"])))
    for name, path in own.items():
        if name != CONFIG:
            write_bytes(target / name, _read(path))
    config = _read_config(own[CONFIG]) if CONFIG in own else _new_config(base)
    template = response_template(fmt)
    write_json(target / CONFIG, config if template is None else {**config, "response_template": template})
    write_text(target / "chat_template.jinja", fmt.chat_template())
    write_json(target / "generation_config.json", generation_ids(base, fmt))


def generation_ids(base: ModelFiles, fmt: Format) -> dict[str, int | list[int]]:
    """What opens a prompt, what ends a turn (`<eos>` and the format's stops) and what fills a batch, as token ids."""
    tokenizer = load_tokenizer(base.directory)
    stops = dict.fromkeys(("<eos>", *fmt.stops))
    return {
        "bos_token_id": tokenizer.bos_id,
        "eos_token_id": [tokenizer.token_id(stop) for stop in stops],
        "pad_token_id": tokenizer.pad_id,
    }


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        got, fix = error.strerror or str(error), "correct its rights"
        raise WeightsError(f"a readable {path}", got, fix) from error


def _read_config(path: Path) -> dict[str, Any]:
    """The base's own tokenizer_config.json, without its template."""
    try:
        config = json.loads(_read(path))
        got = f"a JSON {type(config).__name__}"
    except (ValueError, RecursionError) as error:
        config, got = None, str(error)
    if not isinstance(config, dict):
        raise WeightsError(f"a JSON object in {path}", got, "fetch the base's files again")
    return {key: value for key, value in config.items() if key not in ("chat_template", "response_template")}


def _new_config(base: ModelFiles) -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **{f"{role}_token": piece for role, piece in ROLES.items()},
        "add_bos_token": True,
        "clean_up_tokenization_spaces": False,
        "model_max_length": base.config.max_positions,
        "padding_side": "left",
    }
