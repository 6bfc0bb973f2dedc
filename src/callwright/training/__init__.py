"""SFT and GRPO of a LoRA adapter."""
