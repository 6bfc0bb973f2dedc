"""Runs where transformers and torch are installed: reads jobs as JSON lines and answers each with one line.

This script imports nothing of ours, so that any environment can run it. Its first line says which libraries it has:
`{"transformers": VERSION, "torch": VERSION}`, or `{"missing": why}`, after which it ends. Then it answers

- `{"do": "load", "directory", "dtype"}`: `{"model": number}`. Weights are read from safetensors only, and no code of a
  directory runs.
- `{"do": "unload", "model"}`: `{}`.
- `{"do": "chat", "model", "messages", "tools", "template": {...}, "sampling": {...}, "seed", "max_tokens", "stream"}`:
  `{"content", "pieces", "finish_reason", "prompt_ids", "answer_ids"}`.
- `{"do": "encode", "model", "text"}`: `{"ids"}`.

What raises is answered by `{"error"}`. It ends with its input.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

# A package of that environment may be called like a file beside this one.
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [path for path in sys.path if os.path.abspath(path) != here]
os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # what a library prints is no answer


def say(answer: dict[str, Any]) -> None:
    """One line of answer."""
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


try:
    import torch
    import transformers
except Exception as error:  # whatever a broken installation raises
    say({"missing": f"{type(error).__name__}: {error}"})
    sys.exit()


class Pieces(transformers.TextStreamer):
    """A stream of text, kept."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self.pieces: list[str] = []

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        """Called with each piece."""
        if text:
            self.pieces.append(text)


class LoadedModel:
    """A model and its tokenizer, used as their documentation does it."""

    def __init__(self, directory: str, dtype: str) -> None:
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
        self.model = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=dtype, use_safetensors=True)

    def chat(
        self,
        messages: list[Any],
        tools: list[Any],
        template: dict[str, Any],
        sampling: dict[str, Any],
        seed: int | None,
        max_tokens: int | None,
        stream: bool,
    ) -> dict[str, Any]:
        """Template, generate, decode."""
        prompt = self.tokenizer.apply_chat_template(
            messages, tools=tools or None, add_generation_prompt=True, return_tensors="pt", return_dict=True, **template
        )
        length = prompt["input_ids"].shape[1]
        left = self.model.config.max_position_embeddings - length
        if left < 1:
            raise ValueError(f"a prompt of {length} tokens leaves no token of max_position_embeddings")
        if seed is not None:
            transformers.set_seed(seed)
        streamer = Pieces(self.tokenizer) if stream else None
        with torch.no_grad():
            limit = min(max_tokens or left, left)
            out = self.model.generate(**prompt, max_new_tokens=limit, streamer=streamer, **sampling)
        answer = out[0, length:].tolist()
        stops = self.model.generation_config.eos_token_id
        ended = answer[-1] in (stops if isinstance(stops, list) else [stops])
        whole = self.tokenizer.decode(answer, skip_special_tokens=True)
        return {
            "content": "".join(streamer.pieces) if streamer else whole,
            "pieces": len(streamer.pieces) if streamer else 0,
            "finish_reason": "stop" if ended else "length",
            "prompt_ids": prompt["input_ids"][0].tolist(),
            "answer_ids": answer,
        }

    def encode(self, text: str) -> dict[str, Any]:
        """The ids of a text, to which nothing is added."""
        return {"ids": self.tokenizer.encode(text, add_special_tokens=False)}


transformers.logging.set_verbosity_error()
torch.set_num_threads(1)  # a model this small waits longer for its threads than they help
say({"transformers": transformers.__version__, "torch": torch.__version__})
models: dict[int, LoadedModel] = {}
answers_to: dict[str, Callable[..., dict[str, Any]]] = {"chat": LoadedModel.chat, "encode": LoadedModel.encode}
answer: dict[str, Any]
for number, line in enumerate(sys.stdin):
    try:
        job = json.loads(line)
        do = job.pop("do")
        if do == "load":
            models[number], answer = LoadedModel(**job), {"model": number}
        elif do == "unload":
            del models[job["model"]]
            answer = {}
        else:
            answer = answers_to[do](models[job.pop("model")], **job)
    except Exception as error:  # answered, whatever it is
        answer = {"error": f"{type(error).__name__}: {error}"}
    say(answer)
