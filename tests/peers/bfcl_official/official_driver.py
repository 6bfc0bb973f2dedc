"""Runs inside the official package's own environment: JSON lines of jobs in, the official verdicts out.

`{"decode": text}` is answered by `{"decoded": repr}`, `{"category", "functions", "answers", "text" | "calls",
"underscore_to_dot"}` by `{"valid", "error_type"}`; `{"raised": ...}` says that the official code crashed. A job
`{"time": [jobs], "seconds": s}` is answered by `{"checks", "seconds"}`, the checking alone, again and again.

The official package lists its models in a module that imports every vendor's client; a stub stands in for it here,
whose two models differ in the one setting that the checker reads.
"""

import json
import sys
import time
import types

models = types.ModuleType("bfcl_eval.constants.model_config")
models.MODEL_CONFIG_MAPPING = {
    "plain": types.SimpleNamespace(underscore_to_dot=False),
    "dotless": types.SimpleNamespace(underscore_to_dot=True),
}
sys.modules[models.__name__] = models

from bfcl_eval.constants.enums import Language  # noqa: E402
from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker  # noqa: E402
from bfcl_eval.model_handler.utils import default_decode_ast_prompting  # noqa: E402
from bfcl_eval.utils import is_empty_output, is_function_calling_format_output  # noqa: E402

FAILED = {"valid": False, "error_type": "ast_decoder:decoder_failed"}


def decoded(job):
    """The calls of a job as the checker takes them; raises what the official decoder raises."""
    if "text" in job:
        return default_decode_ast_prompting(job["text"])
    if job["calls"] is None:
        raise ValueError("nothing decodes")
    return [{call["name"]: call["arguments"]} for call in job["calls"]]


def check(job, calls):
    model = "dotless" if job.get("underscore_to_dot") else "plain"
    return ast_checker(job["functions"], calls, job["answers"], Language.PYTHON, job["category"], model)


def verdict(job):
    """What the official runner does between decoding and counting."""
    try:
        calls = decoded(job)
    except Exception:
        calls = None
    if "relevance" in job["category"]:
        called = calls is not None and not is_empty_output(calls)
        if "irrelevance" in job["category"]:
            return {"valid": not called, "error_type": "irrelevance_error:decoder_success" if called else None}
        return {"valid": called, "error_type": None if called else "relevance_error:decoder_failed"}
    if calls is None:
        return FAILED
    if not is_function_calling_format_output(calls):
        return {"valid": False, "error_type": "ast_decoder:decoder_wrong_output_format"}
    result = check(job, calls)
    return {"valid": result["valid"], "error_type": None if result["valid"] else result["error_type"]}


def measure(jobs, seconds):
    ready = [(job, decoded(job)) for job in jobs]
    checks, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        for job, calls in ready:
            check(job, calls)
        checks += len(ready)
    return {"checks": checks, "seconds": elapsed}


def answer(job):
    if "time" in job:
        return measure(job["time"], job["seconds"])
    try:
        return {"decoded": repr(default_decode_ast_prompting(job["decode"]))} if "decode" in job else verdict(job)
    except Exception as error:
        return {"raised": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
