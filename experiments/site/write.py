"""Writes the site into its folder."""

import shutil
from pathlib import Path

from experiments.run_directory import results
from experiments.site.content import INDEX, METHODS, SLIPS, Content, page_of
from experiments.site.frame import ASSETS, ENTRIES, HERE
from experiments.site.index_page import index_page, methods_page, slips_page
from experiments.site.lesson_page import lesson_page
from experiments.site.search import search_script
from nn_core.files import whole_file


def write_site(workdir: Path, content: Content) -> Path:
    """Writes every page, and the files that the pages name; the pictures and claims' numbers are there already.

    Returns:
        The first page.
    """
    pages = {page_of(lesson): lesson_page(lesson, content) for lesson in content.tables.lessons}
    pages |= {SLIPS: slips_page(content), METHODS: methods_page(content), ENTRIES: search_script(content)}
    pages |= {name: (HERE / name).read_text(encoding="utf-8") for name in ASSETS}
    pages |= {INDEX: index_page(content)}  # last: it leads to the others
    (workdir / "csv").mkdir(exist_ok=True)
    for name, ran in content.runs.items():
        if ran.run is not None:
            shutil.copyfile(ran.directory / results.RESULTS, workdir / "csv" / f"run-{name}.csv")
    for name, text in pages.items():
        with whole_file(workdir / name) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    return workdir / INDEX
