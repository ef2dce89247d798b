"""What a run does before its first steps are logged, and what can wait: the first seconds are what its user waits for."""

import subprocess
import sys

from tests.experiments import tiny

SLOW_TO_IMPORT = ("matplotlib", "sklearn", "polars")
PROBE = """
import sys
from experiments.training import progress
from experiments.run import main

def seen(self, step, rows):
    if step:
        print([name for name in {names} if name in sys.modules], flush=True)
        raise SystemExit(0)

progress.Progress.step = seen
main(sys.argv[1:])
"""


def test_nothing_that_only_draws_or_reads_tables_is_imported_before_the_first_logged_steps(tmp_path):
    words = tiny.arguments(tmp_path, train__sample_every=0)
    found = subprocess.run(
        [sys.executable, "-c", PROBE.format(names=SLOW_TO_IMPORT), *words], capture_output=True, text=True, timeout=600
    )
    assert found.stdout.strip().splitlines()[-1] == "[]", found.stdout + found.stderr
