"""Where a Python with torch and transformers is, for the tests that ask them; elsewhere they are skipped."""

import os
from pathlib import Path

ORACLE = Path(os.environ.get("NN_CORE_ORACLE_PYTHON", "/root/oracle/bin/python"))
