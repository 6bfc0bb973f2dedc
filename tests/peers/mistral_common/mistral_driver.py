"""Runs in mistral-common's environment: one JSON job a line in, one answer a line out.

A job is {"variant", "messages", "tools", "runs"}: a conversation in OpenAI's notation, and ours as [text, control]
runs. The answer is {"text", "ids", "ours"}: what the package renders, its token ids, and the ids that the same
tokenizer gives to our runs; or {"refused": why} if the package will not have the conversation.

The vocabulary is Mistral Nemo's for all; v11 and v13 get the special tokens that they add to it.
"""

import json
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import mistral_common
from mistral_common.protocol.instruct.normalize import get_normalizer
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import ValidationMode, get_validator
from mistral_common.tokens.tokenizers import instruct
from mistral_common.tokens.tokenizers.base import SpecialTokenPolicy, SpecialTokens, TokenizerVersion
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
from mistral_common.tokens.tokenizers.tekken import Tekkenizer

NEMO = Path(mistral_common.__file__).parent / "data" / "tekken_240718.json"
CLASSES = {
    "v3": instruct.InstructTokenizerV3,
    "v11": instruct.InstructTokenizerV11,
    "v13": instruct.InstructTokenizerV13,
}
ADDED = (SpecialTokens.args, SpecialTokens.call_id, SpecialTokens.begin_think, SpecialTokens.end_think)


@cache
def peer(variant: str) -> MistralTokenizer:
    data = json.loads(NEMO.read_text(encoding="utf-8"))
    size, reserved = data["config"]["default_vocab_size"], data["config"]["default_num_special_tokens"]
    special = [dict(token) for token in Tekkenizer.DEPRECATED_SPECIAL_TOKENS]
    if variant != "v3":
        special += [{"rank": len(special) + n, "token_str": t.value, "is_control": True} for n, t in enumerate(ADDED)]
    version = TokenizerVersion(variant)
    tekken = Tekkenizer(data["vocab"], special, data["config"]["pattern"], size, reserved, version)
    return MistralTokenizer(
        CLASSES[variant](tekken), get_validator(version, ValidationMode.agnostic), get_normalizer(version, None)
    )


def answer(job: dict[str, Any]) -> dict[str, Any]:
    tokenizer = peer(job["variant"])
    tekken = tokenizer.instruct_tokenizer.tokenizer
    ours: list[int] = []
    for text, control in job["runs"]:
        ours += [tekken.get_special_token(text)] if control else tekken.encode(text, bos=False, eos=False)
    try:
        request = ChatCompletionRequest.from_openai(job["messages"], job["tools"] or None)
        ids = tokenizer.encode_chat_completion(request).tokens
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"}
    return {"text": tekken.decode(ids, SpecialTokenPolicy.KEEP), "ids": ids, "ours": ours}


warnings.simplefilter("ignore")
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
