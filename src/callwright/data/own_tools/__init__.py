"""Examples of a closed set of tools, which a tools file declares by name: all are offered together, as they stand."""
