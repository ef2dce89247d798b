"""The table of claims: which comparison decides, fixed before the runs. A new claim is a new row of its part.

The number of rows matters: the correction for multiple comparisons covers all parts of all claims.
"""

from experiments.course.lessons import LESSONS
from experiments.report.claims_alignment import ALIGNMENT
from experiments.report.claims_descent import DESCENT
from experiments.report.claims_models import MODELS
from experiments.report.claims_networks import NETWORKS
from experiments.report.claims_sequences import SEQUENCES
from experiments.report.claims_text import TEXT
from experiments.report.claims_transformers import TRANSFORMERS
from experiments.report.outcomes import SECTIONS
from experiments.report.records import Tables
from experiments.report.settings import EXPERIMENTS

TABLES = Tables(
    LESSONS, SECTIONS, EXPERIMENTS, (*NETWORKS, *DESCENT, *TEXT, *SEQUENCES, *TRANSFORMERS, *MODELS, *ALIGNMENT)
)
