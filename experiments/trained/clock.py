"""The time, for chat templates that tell it to the model."""

import os
from datetime import UTC, datetime

# Seconds since 1970: fixes the time, as other programs that shall repeat themselves take it.
EPOCH = "SOURCE_DATE_EPOCH"


def now() -> datetime:
    """The local time, or what SOURCE_DATE_EPOCH says.

    Raises:
        ValueError: it says no time.
    """
    said = os.environ.get(EPOCH)
    if not said:
        return datetime.now()
    try:
        return datetime.fromtimestamp(int(said), UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{EPOCH}={said!r} is no time; give whole seconds since 1970, or unset it") from None
