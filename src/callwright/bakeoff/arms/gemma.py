"""`gemma-jax`: google-deepmind/gemma, the reference code, on the merged weights, in an environment of its own.

The library knows our weights under its own names, is given our prompt ids, and samples in a loop of ours
(`gemma_worker`), so that all that can differ from `jax` is how it computes. It always takes the likeliest token. When
its process dies, is late or talks nonsense, that ends a task; for the next one it is started again.
"""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from callwright.bakeoff.arms.base import ArmError
from callwright.bakeoff.arms.raw import RawArm, RawOutput, RawPrompt
from callwright.bakeoff.gemma_environment import ARM, installed_environment
from callwright.bakeoff.gemma_weights import reference_sizes, write_reference_weights
from callwright.bakeoff.trace import HaltReason
from callwright.conversation import Json

WORKER = Path(__file__).with_name("gemma_worker.py")
LOAD_SECONDS = 900.0
"""How long importing the library, loading the weights and compiling may take."""
_LINE = 1 << 22
"""Bytes of an answer at most."""
_BUILD = f"if it happens again, remove the environment, and build it: callwright bakeoff setup {ARM}"


class GemmaArm(RawArm):
    """The reference code."""

    def take(self, options: Any) -> None:
        """See `Arm.take`."""
        self._process: asyncio.subprocess.Process | None = None
        self._scratch: Path | None = None
        self._words: list[str] = []
        self._versions: dict[str, Json] = {}
        self._free = asyncio.Lock()

    async def open(self) -> None:
        """See `Arm.open`."""
        python = installed_environment()
        if python is None:
            fix = f"run `callwright bakeoff setup {ARM}`, or leave the arm out"
            raise ArmError("env_missing", "the environment of google-deepmind/gemma", "none", fix)
        if self.setup.temperature > 0:
            got = f"temperature {self.setup.temperature:g}"
            raise ArmError("arm_error", f"temperature 0, as {self.name} takes the likeliest token", got, "leave it out")
        model = self.setup.model
        if model is None:
            raise ArmError("arm_error", f"weights for the arm {self.name}", "none", "name a run with --run")
        sizes = reference_sizes(model.base.config)
        self._scratch = Path(tempfile.mkdtemp(prefix="callwright-gemma-"))
        weights = self._scratch / "merged.safetensors"
        await asyncio.to_thread(write_reference_weights, model, weights)
        # Isolated: the worker's own directory, which has a module `jax`, would otherwise come first.
        self._words = [str(python), "-I", str(WORKER), str(weights), json.dumps(sizes), str(self.setup.context)]
        await self._start()

    async def generate(self, prompt: RawPrompt) -> RawOutput:
        """See `RawArm.generate`."""
        setup = self.setup
        stop = [setup.tokenizer.token_id(word) for word in setup.format.stops]
        request = {"ids": list(prompt.ids), "limit": prompt.limit, "stop": stop}
        try:
            async with self._free:
                ids, logprobs = _read(await self._ask(request), prompt.limit)
        except ArmError as error:
            return RawOutput(failure=error.reason, error=str(error))
        ended = ids[-1] in stop
        return RawOutput(
            ids=ids, top_ids=ids, logprobs=logprobs, truncated=not ended, stop_reason="stop" if ended else "length"
        )

    async def logits(self, ids: tuple[int, ...], path: Path) -> None:
        """Writes the logits (T, V) behind every token, in float32, as an .npy file.

        Raises:
          ArmError: The reference code cannot compute them.
        """
        async with self._free:
            await self._ask({"ids": list(ids), "logits": str(path)})

    def record(self) -> Mapping[str, Json]:
        """See `Arm.record`."""
        return self._versions

    async def close(self) -> None:
        """See `Arm.close`."""
        await self._end()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    async def _start(self) -> None:
        """Starts the process, and waits until the model is loaded."""
        if self._scratch is None:
            raise ArmError("arm_error", f"the arm {self.name} to be open", "one that is not", "open it first")
        with open(self._scratch / "stderr.txt", "wb") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *self._words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=_LINE,
                env=_environment(),
            )
        answer = await self._line(LOAD_SECONDS)
        if not isinstance(ready := answer.get("ready"), dict):
            raise await self._failed("sampler_error", f"{str(answer)[:200]} in place of its versions")
        self._versions = {str(name): str(value) for name, value in ready.items()}

    async def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The process's answer to a request; starts it again where it has ended."""
        if self._process is None:
            await self._start()
        if self._process is None or self._process.stdin is None:
            raise ArmError("arm_error", f"the arm {self.name} to be open", "one that is not", "open it first")
        with suppress(ConnectionError):  # a process that has died is told when its answer is read
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            await self._process.stdin.drain()
        answer = await self._line(self.setup.seconds)
        if "error" in answer:
            fix = "compare with the arm jax on the same model"
            raise ArmError("sampler_error", "an answer of the reference code", str(answer["error"]), fix)
        return answer

    async def _line(self, seconds: float) -> dict[str, Any]:
        """The next line of the process; one that does not come in time, or is no object, ends the process."""
        if self._process is None or self._process.stdout is None:
            raise ArmError("arm_error", f"the arm {self.name} to be open", "one that is not", "open it first")
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), seconds)
        except TimeoutError:
            raise await self._failed("timeout", f"nothing within {seconds:g} seconds") from None
        except ValueError:
            raise await self._failed("sampler_error", f"a line of more than {_LINE} bytes") from None
        except asyncio.CancelledError:  # its answer would be taken for that of the next prompt
            await self._end()
            raise
        if not line:
            raise await self._failed("sampler_error", "the end of its process")
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise await self._failed("sampler_error", f"no JSON object: {line[:80]!r}")
        return answer

    async def _failed(self, reason: HaltReason, got: str) -> ArmError:
        """Ends the process: the error, with the last that it wrote to standard error."""
        await self._end()
        written = b""
        if self._scratch is not None:
            with suppress(OSError):
                written = (self._scratch / "stderr.txt").read_bytes()[-4000:]
        last = written.decode("utf-8", "replace").strip().splitlines()[-1:]
        got = ": ".join((got, *last))
        return ArmError(reason, "a line of the reference code", got, _BUILD)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _read(answer: Mapping[str, Any], limit: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Ids and log-probabilities of an answer.

    Raises:
      ArmError: They are not what was asked for.
    """
    ids, logprobs = answer.get("ids"), answer.get("logprobs")
    if (
        isinstance(ids, list)
        and isinstance(logprobs, list)
        and 0 < len(ids) == len(logprobs) <= limit
        and all(type(one) is int for one in ids)
        and all(type(one) is float for one in logprobs)
    ):
        return tuple(ids), tuple(logprobs)
    expected = f"1 to {limit} ids and as many log-probabilities"
    raise ArmError(
        "sampler_error", expected, str(dict(answer))[:200], f"build it again: callwright bakeoff setup {ARM}"
    )


def _environment() -> dict[str, str]:
    """Ours without what is set for our own JAX; on a GPU half of the memory is left to the arms in this process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "XLA_", "PYTHON"))}
    if platforms := os.environ.get("JAX_PLATFORMS"):
        kept["JAX_PLATFORMS"] = platforms
    return {**kept, "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.45", "TF_CPP_MIN_LOG_LEVEL": "2"}
