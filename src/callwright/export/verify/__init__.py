"""Whether what was exported is what was trained: each check compares an export with the base and adapter in float32.

`forced` says which tokens are looked at, `reference` what the trained model makes of them. `merged` compares merged
weights with it, `served` a GGUF in a llama.cpp server; `prompts` compares prompts and tokens, and `calls` the calls
that a client gets.
"""
