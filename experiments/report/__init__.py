"""The course report: every claim of the notes run, measured and judged, in one page (`python -m experiments.report`)."""
