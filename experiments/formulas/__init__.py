"""The formula ledger as a command: python -m experiments.formulas."""
