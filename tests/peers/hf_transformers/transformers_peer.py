"""transformers on torch, as a peer: in an environment of its own, driven over JSON lines.

On Linux a registry has torch with CUDA only, and its libraries are linked against NVIDIA's, GPU or not. Left out of
what it asks for is what only a GPU would use (triton first of all): that makes 4.5 GB of 5.6.
"""

from pathlib import Path

from tests.peers import environment

TORCH, TRANSFORMERS = "2.15.0", "5.24.0"
_LINKED = (
    "nvidia-cublas==13.4.1.3",
    "nvidia-cuda-cupti==13.2.86",
    "nvidia-cuda-nvrtc==13.2.86",
    "nvidia-cuda-runtime==13.2.86",
    "nvidia-cudnn-cu13==9.26.0.51",
    "nvidia-cufft==12.2.0.57",
    "nvidia-cufile==1.17.1.22",
    "nvidia-cusparse==12.7.10.12",
    "nvidia-cusparselt-cu13==0.8.1",
    "nvidia-nccl-cu13==2.30.7",
    "nvidia-nvjitlink==13.5.37",
    "nvidia-nvshmem-cu13==3.7.2",
)
PINNED = (
    f"torch=={TORCH}",
    f"transformers=={TRANSFORMERS}",
    *(f'{requirement}; platform_system == "Linux"' for requirement in _LINKED),
    "anyio==4.16.0",
    "click==8.5.1",
    "filelock==4.3.1",
    "fsspec==2026.9.0",
    "h11==0.16.0",
    "hf-xet==1.8.0",
    "httpcore2==2.16.2",
    "httpx2==2.16.2",
    "huggingface_hub==2.4.0",
    "idna==3.20",
    "Jinja2==3.1.6",
    "MarkupSafe==3.0.4",
    "mpmath==1.3.0",
    "networkx==3.6.1",
    "numpy==2.4.6",
    "packaging==26.4",
    "PyYAML==6.0.4",
    "regex==2026.11.19",
    "safetensors==0.8.0",
    "setuptools==84.2.1",
    "sympy==1.14.0",
    "tokenizers==0.23.3",
    "tqdm==4.70.1",
    "truststore==0.10.5",
    "typer==0.29.2",
    "typing_extensions==4.16.0",
)
ROOM = 8.0


def python() -> Path:
    """The interpreter of the environment, which is made if it does not exist."""
    name = f"torch-{TORCH}-transformers-{TRANSFORMERS}"
    return environment.set_up(name, PINNED, room=ROOM)
