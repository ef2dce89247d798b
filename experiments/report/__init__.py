"""The course report: every claim of the notes is run, measured and judged, on one page (`python -m experiments.report`)."""
