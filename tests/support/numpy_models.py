"""Llama's and Gemma 3's forward pass in numpy, read off the published descriptions: the oracle for instruments.

It takes tensors in single precision by Hugging Face's names and a config.json, as a user would find them, and knows
nothing of circuits.
"""

import math

import gguf
import numpy as np


def logits(tensors, config, ids, places):
    """(len(places), V) the logits after the tokens at `places`, all of `ids` being the context."""
    gemma = config["model_type"] == "gemma3_text"
    heads, width, eps = config["num_attention_heads"], config["head_dim"], config["rms_norm_eps"]

    def norm(x, name):
        return x / np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True) + eps) * (tensors[name] + gemma)

    def linear(x, name):
        return x @ tensors[name].T

    def rotate(x, positions, base):  # (T, N, H)
        angle = np.outer(positions, base ** (-np.arange(width // 2) * 2.0 / width))[:, None]
        first, second = x[..., : width // 2], x[..., width // 2 :]
        turned = [first * np.cos(angle) - second * np.sin(angle), second * np.cos(angle) + first * np.sin(angle)]
        return np.concatenate(turned, axis=-1).astype(np.float32)

    ids, places = np.asarray(ids), np.asarray(places)
    embedding = tensors["model.embed_tokens.weight"]
    x = embedding[ids] * (math.sqrt(config["hidden_size"]) if gemma else 1)
    layers = config["num_hidden_layers"]
    for index in range(layers):
        base, window = config["rope_theta"], len(ids)
        if gemma and config["layer_types"][index] == "sliding_attention":
            base, window = config["rope_local_base_freq"], config["sliding_window"]
        asked = places if index == layers - 1 else np.arange(len(ids))  # the last layer answers only where asked
        at = f"model.layers.{index}."
        h = norm(x, f"{at}input_layernorm.weight")
        query = linear(h[asked], f"{at}self_attn.q_proj.weight").reshape(len(asked), heads, width)
        key, value = (
            linear(h, f"{at}self_attn.{name}_proj.weight").reshape(len(ids), heads, width) for name in ("k", "v")
        )
        if gemma:
            query, key = norm(query, f"{at}self_attn.q_norm.weight"), norm(key, f"{at}self_attn.k_norm.weight")
        query, key = rotate(query, asked, base), rotate(key, np.arange(len(ids)), base)
        scores = np.einsum("tnh,snh->nts", query, key) / math.sqrt(width)
        distance = asked[:, None] - np.arange(len(ids))[None]
        scores[:, (distance < 0) | (distance >= window)] = -np.inf
        weight = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weight /= weight.sum(axis=-1, keepdims=True)
        found = linear(np.einsum("nts,snh->tnh", weight, value).reshape(len(asked), -1), f"{at}self_attn.o_proj.weight")
        x = x[asked] + (norm(found, f"{at}post_attention_layernorm.weight") if gemma else found)
        h = norm(x, f"{at}{'pre_feedforward' if gemma else 'post_attention'}_layernorm.weight")
        gate = linear(h, f"{at}mlp.gate_proj.weight")
        opened = gelu(gate) if gemma else gate / (1 + np.exp(-np.clip(gate, -80, None)))
        out = linear(opened * linear(h, f"{at}mlp.up_proj.weight"), f"{at}mlp.down_proj.weight")
        x = x + (norm(out, f"{at}post_feedforward_layernorm.weight") if gemma else out)
    return norm(x, "model.norm.weight") @ embedding.T


def gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def read_gguf(path):
    """The tensors of a GGUF by their Hugging Face names, and the header's values."""
    reader = gguf.GGUFReader(path)
    header = {key: field.contents() for key, field in reader.fields.items()}
    names = {
        "token_embd": "embed_tokens",
        "output_norm": "norm",
        "attn_norm": "input_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_q_norm": "self_attn.q_norm",
        "attn_k_norm": "self_attn.k_norm",
        "attn_output": "self_attn.o_proj",
        "post_attention_norm": "post_attention_layernorm",
        "ffn_norm": "pre_feedforward_layernorm",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
        "post_ffw_norm": "post_feedforward_layernorm",
    }
    gemma = header["general.architecture"] == "gemma3"
    if not gemma:
        names["ffn_norm"] = "post_attention_layernorm"
    tensors = {}
    for tensor in reader.tensors:
        data = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        parts = tensor.name.removesuffix(".weight").split(".")
        name = f"layers.{parts[1]}.{names[parts[2]]}" if parts[0] == "blk" else names[parts[0]]
        if not gemma and parts[-1] in ("attn_q", "attn_k"):
            heads, width = header["llama.attention.head_count"], header["llama.attention.key_length"]
            data = data.reshape(heads, width // 2, 2, -1).swapaxes(1, 2).reshape(data.shape)
        tensors[f"model.{name}.weight"] = np.asarray(data - 1 if gemma and "norm" in name else data, np.float32)
    return tensors, header
