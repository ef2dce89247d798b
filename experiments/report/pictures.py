"""Draws the pictures of the report into its png/ folder."""

import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from experiments.figures import drawn
from experiments.report.figures import claim_figure
from experiments.report.records import Finding
from experiments.report.runs import Ran

CLAIM_DPI, RUN_DPI = 130, 90


def draw_all(
    folder: Path, findings: Sequence[Finding], runs: Mapping[str, Ran], new: Collection[str]
) -> dict[str, bytes]:
    """PNG files of every measured claim ("C1") and of the runs' figures ("experiment/figure").

    Existing pictures of experiments that are not `new` are read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images = {}
    for finding in findings:
        if finding.claim.experiment not in new and (kept := folder / f"{finding.claim.id}.png").is_file():
            images[finding.claim.id] = kept.read_bytes()
        elif any(one.comparison is not None for one in finding.evidence):
            images[finding.claim.id] = png(claim_figure(finding), CLAIM_DPI)
    for name, ran in runs.items():
        for figure in ran.experiment.figures if ran.run is not None else ():
            kept = folder / f"{name}-{figure}.png"
            if name not in new and kept.is_file():
                images[f"{name}/{figure}"] = kept.read_bytes()
                continue
            assert ran.run is not None
            picture = drawn(figure, ran.run)
            if picture is not None:
                images[f"{name}/{figure}"] = png(picture, RUN_DPI)
    for name, data in images.items():
        (folder / f"{name.replace('/', '-')}.png").write_bytes(data)
    return images


def png(figure: Figure, dpi: int) -> bytes:
    """Writes a figure; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=dpi, format="png", metadata={"Software": None})
    return buffer.getvalue()
