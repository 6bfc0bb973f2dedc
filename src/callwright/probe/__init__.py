"""The probe: what a runtime does between a model's words and the user's code, found out with instruments."""
