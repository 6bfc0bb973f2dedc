"""Runs with transformers, torch and PEFT: one JSON job a line in, one answer a line out.

A job is {"directory", "adapter", "ids", "chat", "answer", "tools"}: a model's directory and, or null, an adapter's;
token ids (B, T); a conversation and its tools, as transformers takes them; and what a model said after it. The answer
is {"logits" (B, T, V), computed in float32, "merged": the same once PEFT has merged the adapter, or null, "dtype": that
of the files, "stops": where generation ends, "prompt": the rendered conversation as ids, "message": the answer as
`parse_response` reads it}.
"""

import json
import sys
from typing import Any

import torch
import transformers


def answer(job: dict[str, Any]) -> dict[str, Any]:
    model = transformers.AutoModelForCausalLM.from_pretrained(
        job["directory"], dtype=torch.float32, use_safetensors=True
    )
    dtype, merged = str(transformers.AutoConfig.from_pretrained(job["directory"]).dtype), None
    export = job["adapter"] or job["directory"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(export)
    generation = model.generation_config
    if job["adapter"]:
        generation = transformers.GenerationConfig.from_pretrained(export)
    if job["adapter"]:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, job["adapter"])
    ids = torch.tensor(job["ids"])
    with torch.no_grad():
        logits = model(ids).logits.float().tolist()
        if job["adapter"]:
            merged = model.merge_and_unload()(ids).logits.float().tolist()
    prompt = tokenizer.apply_chat_template(
        job["chat"], tools=job["tools"], add_generation_prompt=True, tokenize=True, return_dict=False
    )
    message = tokenizer.parse_response(job["answer"], prefix=prompt)
    return {
        "logits": logits,
        "merged": merged,
        "dtype": dtype,
        "stops": generation.eos_token_id,
        "prompt": prompt,
        "message": message,
    }


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
