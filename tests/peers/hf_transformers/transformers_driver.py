"""Runs inside the peer's environment: loads a directory as any user of transformers would, and answers JSON lines.

A job is {"directory", "dtype", "do", ...}; do is "encode" {"texts", "add_special_tokens"}, "chat" {"conversations":
[{"messages", "tools"}]}, "generate" {"prompts": ids, "max_new_tokens", "temperature"} or "logits" {"prompts": ids}.
"""

import functools
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(2)


@functools.lru_cache(maxsize=1)
def model(directory, dtype):
    return AutoModelForCausalLM.from_pretrained(directory, dtype=getattr(torch, dtype)).eval()


tokenizer = functools.lru_cache(maxsize=1)(AutoTokenizer.from_pretrained)


def encode(job):
    found = tokenizer(job["directory"])
    return [found(text, add_special_tokens=job["add_special_tokens"])["input_ids"] for text in job["texts"]]


def chat(job):
    found = tokenizer(job["directory"])
    return [
        found.apply_chat_template(
            one["messages"], tools=one["tools"] or None, add_generation_prompt=True, tokenize=True, return_dict=False
        )
        for one in job["conversations"]
    ]


def generate(job):
    found = model(job["directory"], job["dtype"])
    torch.manual_seed(0)
    options = {"do_sample": False} if not job["temperature"] else {"do_sample": True, "temperature": job["temperature"]}
    said = []
    for prompt in job["prompts"]:
        ids = torch.tensor([prompt])
        out = found.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=job["max_new_tokens"],
            top_k=0,
            top_p=1.0,
            **options,
        )
        said.append(out[0, len(prompt) :].tolist())
    return said


def logits(job):
    found = model(job["directory"], job["dtype"])
    return [found(torch.tensor([prompt])).logits[0, -1].float().tolist() for prompt in job["prompts"]]


with torch.inference_mode():
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps({"answer": globals()[job["do"]](job)}), flush=True)
