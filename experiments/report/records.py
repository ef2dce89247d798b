"""The kinds of rows in the report's tables. The tables themselves are in `claims.py`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from experiments.course.records import Lesson
from nn_core.evidence.claims import Evidence, Part
from nn_core.evidence.verdicts import Verdict


class Section(NamedTuple):
    """A learning outcome.

    Attributes:
        slug: its name on the command line and in links.
        title: the heading.
        question: the question of the section.
    """

    slug: str
    title: str
    question: str


class Experiment(NamedTuple):
    """A run of the report: it provides evidence for claims, or only shows something.

    Attributes:
        config: name of the file in configs/.
        setting: what is trained on what here, in one or two sentences; "" where the config's docstring says it.
        figures: of the run, shown on the page of its config.
        full, quick: values of the config that the report changes, by dotted path; quick ones come after full ones.
        long: whether the quick report leaves it out unless it is named.
    """

    config: str
    setting: str
    figures: tuple[str, ...]
    full: Mapping[str, Any]
    quick: Mapping[str, Any]
    long: bool = False


class Claim(NamedTuple):
    """A claim of the notes.

    Attributes:
        id: its name in the course map (C1 …), or one of our own.
        text: what the notes say.
        section: slug of a Section.
        experiment: key of the table of experiments.
        parts: all of these must hold for the claim to hold.
        note: what a reader should know about the measurement; may be empty.
    """

    id: str
    text: str
    section: str
    experiment: str
    parts: tuple[Part, ...]
    note: str = ""


class Tables(NamedTuple):
    """All tables, so that tests can pass small ones."""

    lessons: tuple[Lesson, ...]
    sections: tuple[Section, ...]
    experiments: Mapping[str, Experiment]
    claims: tuple[Claim, ...]


class Finding(NamedTuple):
    """A claim and its evidence.

    Attributes:
        claim: the claim.
        evidence: of each part.
        p_values: of each part, corrected.
        part_verdicts: of each part.
        verdict: of the claim.
    """

    claim: Claim
    evidence: tuple[Evidence, ...]
    p_values: tuple[float, ...]
    part_verdicts: tuple[Verdict, ...]
    verdict: Verdict
