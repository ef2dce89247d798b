"""Speed as a ratio against a peer in the same session: python -m experiments.benchmark NAME."""
