"""Trained weights for other runtimes: what was trained is what is served.

`trained` finds the adapter of a run and what it was trained on, and `merged` puts the two together, tensor by tensor.
`hf` writes the result for transformers and vLLM, and `peft` the adapter alone; `chat_files` writes what both need with
it. Every number comes from float32 base weights and the float32 adapter, whatever precision the run evaluated in.
"""
