"""llama.cpp's own quantizer: K-quants of a GGUF in single precision, by an importance matrix or without one.

Both programs run in a directory of their own with relative names, because llama.cpp writes the name of the matrix's
file into the GGUF. Their LLAMA_* variables are not passed on, so that the command line alone says what they do.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from callwright.engines.llama_program import find_tool
from callwright.engines.response_text import one_line
from callwright.errors import DataError, StorageError, WorkError
from callwright.storage import atomic_file, writing

KQuant = Literal["q4_k_m", "q5_k_m", "q6_k"]
"""The kinds that llama.cpp's quantizer makes."""
CHUNK = 512
"""Tokens of calibration text that are read together; llama.cpp wants two such chunks at least."""
_MOST_CHUNKS = 64
_LEAST = "you need at least"
_MOST_CHARACTERS = 400


def quantize(
    source: Path, target: Path, kind: KQuant, *, matrix: Path | None = None, server: Path | None = None
) -> None:
    """Writes a K-quant of a GGUF, atomically.

    Args:
      source: A GGUF in single precision.
      target: The file.
      kind: The K-quant.
      matrix: The importance matrix; without one all numbers count alike.
      server: The user's own llama-server, beside which the quantizer is looked for.

    Raises:
      ConfigError: The user's llama.cpp has no quantizer.
      FetchError: It cannot be built.
      StorageError: The target cannot be written.
      WorkError: The quantizer failed.
    """
    program = find_tool("llama-quantize", server)
    with atomic_file(target) as handle, tempfile.TemporaryDirectory(prefix="callwright-") as scratch:
        options = []
        if matrix is not None:
            shutil.copyfile(matrix, Path(scratch) / matrix.name)
            options = ["--imatrix", matrix.name]
        names = [str(source.absolute()), str(Path(handle.name).absolute())]
        _run([str(program), *options, *names, kind.upper(), str(os.cpu_count() or 1)], scratch)


def importance_matrix(model: Path, texts: Iterable[str], *, server: Path | None = None) -> Path:
    """How much each channel of a model's activations matters on some texts; the file lies beside the model.

    Args:
      model: A GGUF in single precision.
      texts: What the model reads, special tokens written out.
      server: The user's own llama-server, beside which the program is looked for.

    Raises:
      ConfigError: The user's llama.cpp has no such program.
      DataError: The texts have too few tokens.
      FetchError: It cannot be built.
      StorageError: A file cannot be written.
      WorkError: The program failed.
    """
    program = find_tool("llama-imatrix", server)
    text, matrix = model.with_name("calibration.txt"), model.with_name("importance.gguf")
    with writing(text):
        text.write_text("\n".join(texts), encoding="utf-8", errors="replace")
    sizes = ["-c", str(CHUNK), "--chunks", str(_MOST_CHUNKS), "-t", str(os.cpu_count() or 1)]
    options = ["--parse-special", "--no-ppl", "--no-escape", *sizes]
    command = [str(program), "-m", model.name, "-f", text.name, "-o", matrix.name, *options]
    _run(command, str(model.absolute().parent))
    return matrix


def _run(command: list[str], directory: str) -> None:
    """Runs a program of llama.cpp, which must succeed."""
    name = Path(command[0]).name
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LLAMA_")}
    try:
        done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, check=False)
    except OSError as error:
        raise WorkError(f"to run {name}", str(error), "name another llama-server, or leave it out") from error
    if done.returncode == 0:
        return
    output = (done.stdout + done.stderr).decode("utf-8", "replace")
    if _LEAST in output:
        got = one_line(output[output.index(_LEAST) :], 120)
        raise DataError(
            f"{2 * CHUNK} tokens of texts for an importance matrix", got, "give more texts, or leave it out"
        )
    if "No space left" in output:
        raise StorageError(f"room for what {name} writes", "a full disk", "free some space and run again")
    got = one_line(output.strip()[-_MOST_CHARACTERS:]) or f"exit code {done.returncode} and no output"
    raise WorkError(f"{name} to succeed", got, "correct what it names, or choose f16 or q8_0, which need no llama.cpp")
