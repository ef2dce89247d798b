"""Strict settings for every test: no promotions, exact products, warnings are errors, no network, a cache."""

import gc
import os
import socket
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", os.environ.get("NN_CORE_TEST_PLATFORM", "cpu"))
os.environ.setdefault("NN_CORE_OFFLINE", "1")
# The tests start the commands about a hundred times: without bytecode each start compiles all sources again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Compiling is most of what the tests do. Without optimizations, in one piece instead of many, and by XLA:CPU's older
# emitters it takes less than half of the time; what is compiled runs slower, which tiny models do not notice.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
if (release := version("jaxlib")[:4]) in ("0.10", "0.11", "0.12"):  # an unknown flag ends the process
    emitters = " --xla_cpu_use_fusion_emitters=false" if release == "0.10" else ""
    os.environ.setdefault("XLA_FLAGS", f"--xla_cpu_parallel_codegen_split_count=1{emitters}")

import jax
import pytest

from nn_core.training import population

USER = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
CACHE = Path(tempfile.gettempdir()) / f"nn_core-tests-{USER}-{jax.__version__}"

jax.config.update("jax_num_cpu_devices", 2)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_default_matmul_precision", "highest")
jax.config.update("jax_compilation_cache_dir", str(CACHE))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)
sys.dont_write_bytecode = False
population.COMPILER_OPTIONS.clear()  # it would turn the optimizations on again


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, but for those that a library raises about itself."""
    for rule in (
        "error",
        # Orbax says at every load without shardings that it reads them from the checkpoint.
        "ignore:.*[Ss]harding info not provided.*:UserWarning",
        # XLA's cache may be read while another test process writes it; it recompiles.
        "ignore:Error (reading|writing) persistent compilation cache entry.*:UserWarning",
        # A file that a test leaves open is told of in whichever test runs when it is collected: told, not an error.
        "default::ResourceWarning",
        # ml_collections loads config files so.
        "ignore:the load_module.. method is deprecated:DeprecationWarning",
        # Third-party modules that use what a later Python deprecates.
        "ignore::DeprecationWarning:(orbax|flax|ml_collections|tensorstore|matplotlib|pyparsing|google|dateutil).*",
    ):
        config.addinivalue_line("filterwarnings", rule)


def pytest_collection_finish() -> None:
    """The collector looks again and again at all that was imported and traced: 6 % of the tests' time, now 2 %."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A test that opens a socket to anywhere but this machine fails."""
    if request.node.get_closest_marker("network"):
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family != socket.AF_UNIX and host not in ("127.0.0.1", "localhost", "::1"):
            raise RuntimeError(f"a test tried to reach {address}: tests use no network")
        return connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def shared_data() -> Path:
    """The folder of public data files: NN_CORE_DATA_DIR, or ../shared/data beside the checkout; skips where missing."""
    candidates = [os.environ.get("NN_CORE_DATA_DIR"), str(Path(__file__).parents[2] / "shared" / "data")]
    for candidate in candidates:
        if candidate and (Path(candidate) / "tinyshakespeare.txt").is_file():
            return Path(candidate)
    pytest.skip("real data not found: set NN_CORE_DATA_DIR to a folder with tinyshakespeare.txt, mnist/ and the like")
