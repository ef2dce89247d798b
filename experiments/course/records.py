"""What a row of the map is."""

from typing import NamedTuple


class Feature(NamedTuple):
    """Something that the notes describe or name.

    Attributes:
        id: F001 ….
        about: what it is, in one line.
        places: "module:name" of what computes it here, the main one first; () where it is not built.
        configs: experiments that show it, files of configs/.
        claims: claims of the notes about it, C1 ….
    """

    id: str
    about: str
    places: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()


class Slip(NamedTuple):
    """A place where the notes leave something open or are misprinted.

    Attributes:
        id: S1 ….
        kind: A open, T misprint or outdated.
        about: what holds here, in one line.
        places: "module:name" of what follows it; () where there is nothing to follow.
    """

    id: str
    kind: str
    about: str
    places: tuple[str, ...] = ()


class Statement(NamedTuple):
    """An empirical claim of the notes.

    Attributes:
        id: C1 ….
        about: what it says, in one line. The report's claims of this number say what is measured (C8: C8a, C8b, C8c).
    """

    id: str
    about: str


class Lesson(NamedTuple):
    """A chapter of the course, and a page of its site. Every feature, config and claim has exactly one.

    Attributes:
        slug: name of its page and on the command line.
        title: the heading.
        words: what it shows, in paragraphs of our own.
        features: first and last id of the rows of the map that it covers, both included.
        configs: experiments that stand on its page, files of configs/.
        sections: slugs of the report's sections whose claims stand on its page.
        pictures: of `experiments.figures.course`, drawn from functions alone.
    """

    slug: str
    title: str
    words: tuple[str, ...]
    features: tuple[str, str]
    configs: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
