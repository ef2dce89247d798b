"""What a run shows while it trains: a bar with loss and tokens per second, and the loss figure, which is redrawn.

If the error stream is not a terminal, an occasional line replaces the bar.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ml_collections import ConfigDict
from tqdm import tqdm

from experiments.command_line.output import say
from experiments.figures import draw
from experiments.run_directory.results import Row

LIVE = "training_and_validation_loss"  # the figure that is drawn during training if config.figures names it
EVERY_SECONDS = 10.0
SHARE = 0.02  # largest share of the time that drawing may take
LINE_SECONDS = 30.0  # after which a line is due without a terminal; so is one after each tenth of the way,
TENTH_SECONDS = 3.0  # but not sooner than this after the one before


class Progress:
    """Follows one population: `step` is the loop's progress hook."""

    def __init__(self, name: str, config: ConfigDict, num_members: int, live: Path | None):
        """Opens the bar.

        Args:
            name: of the population.
            config: of its first member.
            num_members: runs in the population.
            live: run directory whose loss figure is kept up to date, or None.
        """
        self.tokens_a_step = num_members * config.data.batch_size * config.data.context_size if is_text(config) else 0
        self.live = live if LIVE in config.figures else None
        self.wait, self.last_drawn = EVERY_SECONDS, time.monotonic()
        self.first: tuple[int, float] | None = None
        self.last: tuple[int, float] | None = None
        self.steps, self.name = config.train.steps, f"{name}{num_members} run{'s' if num_members > 1 else ''}"
        self.told: tuple[int, float] | None = None  # step and time of the last line
        self.bar = tqdm(
            total=self.steps,
            desc=self.name,
            unit="step",
            disable=not sys.stderr.isatty(),
            leave=False,
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def step(self, step: int, rows: list[Row]) -> None:
        """Moves the bar; shows the median loss of the members and, for a text, tokens per second."""
        shown = {}
        losses = sorted(row["batch_loss"] for row in rows if "batch_loss" in row)
        if losses:
            shown["loss"] = f"{losses[len(losses) // 2]:.4f}"
        # The clock starts after the first chunk, which waits for the compiler.
        if self.first is None and self.last is not None:
            self.first = step, time.monotonic()
        self.last = step, time.monotonic()
        if self.tokens_per_second:
            shown["tokens/s"] = f"{self.tokens_per_second:,.0f}"
        if shown:
            self.bar.set_postfix(shown, refresh=False)
        self.bar.update(step - self.bar.n)
        if self.bar.disable:
            self.tell(step, shown)
        self.draw()

    def tell(self, step: int, shown: dict[str, str]) -> None:
        """Writes a line if one is due: step, loss, rate and remaining time."""
        now = time.monotonic()
        if self.told is None:  # the clock starts after what comes before the first step
            self.told = step, now
        steps, seconds = step - self.told[0], now - self.told[1]
        due = seconds >= LINE_SECONDS or (10 * steps >= self.steps and seconds >= TENTH_SECONDS)
        if not due or not steps or step >= self.steps:
            return
        self.told = step, now
        rate = steps / seconds
        values = [f"{name} {value}" for name, value in shown.items()] + [
            f"{rate:{',.0f' if rate >= 10 else '.2g'}} steps/s"
        ]
        left = f"{clock((self.steps - step) / rate)} left"
        say(f"{self.name}: step {step:,} of {self.steps:,}, {', '.join([*values, left])}", sys.stderr)

    def note(self, text: str) -> None:
        """Writes a line above the bar."""
        self.bar.clear()
        say(text, sys.stderr)
        self.bar.refresh()

    @property
    def tokens_per_second(self) -> float:
        """Tokens trained per second since the first chunk, including the time for everything else; 0: unknown."""
        if self.first is None or self.last is None or self.last[0] == self.first[0]:
            return 0.0
        return self.tokens_a_step * (self.last[0] - self.first[0]) / (self.last[1] - self.first[1])

    def draw(self) -> None:
        """Redraws the loss figure if it is time."""
        if self.live is None or time.monotonic() - self.last_drawn < self.wait:
            return
        start = time.monotonic()
        draw(self.live, (LIVE,))
        self.last_drawn = time.monotonic()
        self.wait = max(EVERY_SECONDS, (self.last_drawn - start) / SHARE)


@contextlib.contextmanager
def heartbeat(name: str) -> Iterator[None]:
    """Tells every half minute that a work goes on whose steps nobody counts.

    Args:
        name: of the work.
    """
    ended, started = threading.Event(), time.monotonic()

    def beat() -> None:
        while not ended.wait(LINE_SECONDS):
            say(f"{name}: at work for {clock(time.monotonic() - started)}", sys.stderr)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def clock(seconds: float) -> str:
    """Seconds in readable units.

    >>> clock(9.4), clock(90), clock(7300)
    ('9 s', '1 min 30 s', '2 h 1 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def is_text(config: ConfigDict) -> bool:
    """Whether a step of this config sees a batch of token windows."""
    return "context_size" in config.data
