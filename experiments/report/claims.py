"""The table of claims: what is compared with what, written down before the runs. A new claim is a new row of its part.

Order and number of the rows matter: the correction for many comparisons is over all parts of all claims.
"""

from experiments.report.claims_descent import DESCENT
from experiments.report.claims_networks import NETWORKS
from experiments.report.claims_sequences import SEQUENCES
from experiments.report.claims_text import TEXT
from experiments.report.outcomes import SECTIONS
from experiments.report.records import Tables
from experiments.report.settings import EXPERIMENTS

TABLES = Tables(SECTIONS, EXPERIMENTS, (*NETWORKS, *DESCENT, *TEXT, *SEQUENCES))
