"""The arms, by name: to add one, write a module with its class, and name it here."""

from collections.abc import Mapping
from types import MappingProxyType

from callwright.bakeoff.arms.base import Arm
from callwright.bakeoff.arms.chat import LlamaChatArm, OpenAIArm
from callwright.bakeoff.arms.gemma import GemmaArm
from callwright.bakeoff.arms.jax import JaxArm, JaxBf16Arm
from callwright.bakeoff.arms.llama_raw import LlamaRawArm
from callwright.bakeoff.arms.mock import MockArm
from callwright.bakeoff.arms.ollama import OllamaJsonArm, OllamaRawArm

ARMS: Mapping[str, type[Arm]] = MappingProxyType(
    {
        "jax": JaxArm,
        "jax-bf16": JaxBf16Arm,
        "gemma-jax": GemmaArm,
        "llamacpp-raw": LlamaRawArm,
        "llamacpp-chat": LlamaChatArm,
        "openai": OpenAIArm,
        "ollama-raw": OllamaRawArm,
        "ollama-json": OllamaJsonArm,
        "mock": MockArm,
    }
)
"""Every kind of arm."""
