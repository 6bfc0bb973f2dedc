"""The pipeline: its configuration, its stages, its run directory."""
