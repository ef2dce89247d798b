"""The report on a tiny table of claims: what its site holds, what a failed run leaves, and that it is the same twice."""

import csv
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from experiments import report
from experiments.command_line.arguments import OPTIONS, config_files, parse
from experiments.course.records import Lesson
from experiments.course.table import FEATURES
from experiments.execution.chain import is_chain, stage_words
from experiments.figures.course import PICTURES
from experiments.report import __main__ as command
from experiments.report.claims import TABLES
from experiments.report.figures import claim_figure
from experiments.report.findings import ended, interval, part_cells, range_of_difference
from experiments.report.records import Claim, Experiment, Finding, Section, Tables
from experiments.report.runs import words_of
from experiments.run_directory.settings import setting_names
from experiments.site import checks
from experiments.site.content import INDEX, METHODS, SLIPS, page_of, shown_formulas
from experiments.site.elements import fit, prose
from experiments.site.formulas import covered
from experiments.studies import STUDIES
from nn_core.evidence.claims import Part, Side, measure
from nn_core.evidence.statistics import pairs_needed
from nn_core.formulas import FORMULAS
from tests.experiments.boxes import beyond

# The report draws the figures of a run itself; the run need not draw them too.
SMALL = {"num_seeds": 8, "task.head_widths": (256,), "figures": (), "task.num_queries": 16, "task.num_keys": 8}
TINY = Tables(
    lessons=(
        Lesson("first", "Scores & <scales>", ("A word.", "Two."), ("F035", "F036"), ("attention_scale",), ("scale",)),
        Lesson("second", "The rest", ("Nothing.",), ("F064", "F064"), ("digits",), ("other",), ("transfer_guide",)),
    ),
    sections=(
        Section("scale", "Scaling", "Does it help & why <?"),
        Section("other", "Other", "And this?"),
    ),
    experiments={
        "good": Experiment("attention_scale", "Random queries.", ("comparison",), SMALL, {"task.num_keys": 4}),
        "broken": Experiment("attention_scale", "Cannot be.", (), {"task.num_queries": 0}, {}),
    },
    claims=(
        Claim(
            "A1",
            "scaled is larger",
            "scale",
            "good",
            (Part("gradient", Side("scaled: d_k 256", "gradient"), Side("not scaled: d_k 256", "gradient")),),
        ),
        Claim(
            "A2",
            "scaled is smaller",
            "scale",
            "good",
            (Part("gradient", Side("not scaled: d_k 256", "gradient"), Side("scaled: d_k 256", "gradient")),),
        ),
        Claim("B1", "never run", "other", "broken", (Part("x", Side("scaled: d_k 4", "gradient"), 0.0),)),
    ),
)


class Reader(HTMLParser):
    """Collects what the tests ask about a page."""

    def __init__(self):
        super().__init__()
        self.images, self.ids, self.addresses, self.open, self.headings = [], [], [], [], []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.ids += [named["id"]] if "id" in named else []
        self.addresses += [value for key, value in attrs if key in ("href", "src", "srcset", "action") and value]
        if tag == "img":
            self.images.append(named)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in ("meta", "link", "img", "input", "source", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def with_good(**changes):
    """The tables with another experiment "good", whose figure, looked at elsewhere, is not drawn."""
    changed = TINY.experiments["good"]._replace(figures=(), **changes)
    return TINY._replace(experiments=TINY.experiments | {"good": changed})


def names(tables):
    return list(tables.experiments)


def reader_of(path):
    """What stands in a page, whose elements are all closed."""
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("report")
    assert command.produce(TINY, names(TINY), False, workdir, "the command") == 0
    return workdir


@pytest.fixture(scope="module")
def pages(written):
    return {path.name: reader_of(path) for path in sorted(written.glob("*.html"))}


def test_the_site_asks_for_nothing_from_elsewhere_and_every_link_leads_somewhere(written, pages):
    assert set(pages) == {"index.html", "first.html", "second.html", "slips.html", "methods.html"}
    for name, page in pages.items():
        for address in page.addresses:
            file, _, place = address.partition("#")
            assert address == "data:," or (written / (file or name)).is_file(), address
            if place and (file or name).endswith(".html"):
                assert place in pages[file or name].ids, address
    text = "".join(path.read_text(encoding="utf-8") for path in written.glob("*.*"))
    assert not re.search(r"@import|url\(|fetch\(|https?:", text)


def test_a_page_has_one_title_and_no_level_is_left_out(pages):
    for page in pages.values():
        assert page.headings.count(1) == 1 and len(page.ids) == len(set(page.ids))
        assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))


def test_pictures_are_there_in_light_and_dark(written, pages):
    shown = [image["src"] for page in pages.values() for image in page.images]
    assert set(shown) >= {"figures/A1.svg", "figures/good-comparison.svg", "figures/transfer_guide.svg"}
    assert all(image["alt"] for page in pages.values() for image in page.images)
    for source in shown:
        light, dark = (written / name for name in (source, source.replace(".svg", "-dark.svg")))
        assert "#ffffff" in light.read_text(encoding="utf-8") and "#ffffff" not in dark.read_text(encoding="utf-8")


def test_the_search_finds_chapters_claims_configs_formulas_and_slips(written, pages):
    text = (written / "entries.js").read_text(encoding="utf-8").removeprefix("const ENTRIES = ").rstrip(";\n")
    places = {entry["title"].split()[0]: entry["place"] for entry in json.loads(text)}
    assert places["A1"] == "first.html#claim-A1" and places["digits:"] == "second.html#config-digits"
    assert places["S7"] == "slips.html#slip-S7" and places["Scores"] == "first.html"
    for place in places.values():
        page, _, id = place.partition("#")
        assert not id or id in pages[page].ids


def test_light_and_dark_and_a_phone(written):
    style = (written / "site.css").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in style and "color-scheme: light dark" in style
    assert 'name="viewport"' in (written / "first.html").read_text(encoding="utf-8")


def test_every_claim_config_row_and_formula_has_exactly_one_page():
    sections = [slug for lesson in TABLES.lessons for slug in lesson.sections]
    assert sorted(sections) == sorted(section.slug for section in TABLES.sections)
    configs = [name for lesson in TABLES.lessons for name in lesson.configs]
    assert sorted(configs) == sorted(config_files())
    assert {one.config for one in TABLES.experiments.values()} <= set(configs)
    rows = [row.id for lesson in TABLES.lessons for row in covered(lesson)]
    assert rows == [row.id for row in FEATURES]
    assert sorted(row.id for row in shown_formulas(TABLES)) == sorted(row.id for row in FORMULAS)
    pictures = [name for lesson in TABLES.lessons for name in lesson.pictures]
    assert sorted(pictures) == sorted(PICTURES)
    files = [page_of(lesson) for lesson in TABLES.lessons]
    assert len(files) == len(set(files)) and not {INDEX, METHODS, SLIPS} & set(files)


def test_a_chapter_explains_its_formulas_and_experiments(pages):
    first, second = pages["first.html"], pages["second.html"]
    assert {"formula-F035", "formula-F036a", "claim-A1", "claim-A2", "config-attention_scale", "row-F036"} <= set(
        first.ids
    )
    assert {"formula-F064", "claim-B1", "config-digits"} <= set(second.ids)
    assert "automatic differentiation 0" in first.text and "A multi-layer perceptron learns" not in first.text
    assert "a multi-layer perceptron learns the digits" in second.text
    assert "gradient; A scaled: d_k 256: " in first.text and "gradient; A scaled: d_k 256: " in pages["index.html"].text


def test_a_table_tells_how_much_room_it_needs():
    assert fit(("a", "b"), [("one", "two")]) == "narrow" and fit(("a",), [("x" * 150,)]) == "cards"
    assert fit(("a", "b"), [("x " * 100, "y" * 60)]) == "middle" and fit(("a",), [("x" * 100,)]) == "wide"
    assert fit(("a",), [(f'<a href="{"x" * 200}">x</a>',)]) == "narrow"  # only what is read counts


def test_ids_and_configs_in_a_text_are_links():
    places = {"F001": "p.html#row-F001", "configs/digits.py": "q.html#config-digits"}
    shown = prose("See F001, F002 and\nconfigs/digits.py: `a < b`.\n\npython -m x\n", places)
    assert shown == (
        '<p>See <a href="p.html#row-F001">F001</a>, F002 and <a href="q.html#config-digits">configs/digits.py</a>: '
        "<code>a &lt; b</code>.</p>\n<pre><code>python -m x</code></pre>"
    )


def test_verdicts_are_printed_as_they_are(written, pages):
    with (written / "csv" / "verdicts.csv").open() as file:
        verdicts = {row["claim"]: row for row in csv.DictReader(file)}
    labels = {name: row["verdict"] for name, row in verdicts.items()}
    assert labels == {"A1": "supported", "A2": "not supported", "B1": "inconclusive"}
    # Three comparisons are corrected together: 3 · 2^-7 for eight seeds of one sign.
    assert float(verdicts["A1"]["p_holm"]) == pytest.approx(3 / 128)
    assert "1 supported, 1 not supported, 1 inconclusive" in pages["index.html"].text


def test_a_failed_run_shows_as_such_and_the_rest_is_written(pages):
    told = pages["second.html"].text
    assert "The run failed." in told and "config.task.num_queries=0 is outside [1, 65536]" in told


def test_the_text_of_the_tables_is_escaped(written):
    assert "Scores &amp; &lt;scales&gt;" in (written / "index.html").read_text(encoding="utf-8")
    assert "Does it help &amp; why &lt;?" in (written / "first.html").read_text(encoding="utf-8")


def test_it_says_what_it_was_made_with_and_how_to_make_it_again(pages):
    import jax

    made = pages["methods.html"].text
    assert f"jax {jax.__version__}" in made and "the command" in made
    assert re.search(r"dates of the runs\s*\d{4}-\d\d-\d\d", made)
    assert "python -m experiments.report --only=A1" in pages["first.html"].text
    run = "python -m experiments.run --config=configs/attention_scale.py --config.num_seeds=8"
    assert run in pages["first.html"].text


def test_a_second_report_gives_the_same_site_and_reads_finished_runs(written, tmp_path, capsys, monkeypatch):
    assert command.produce(TINY, names(TINY), False, tmp_path, "the command") == 0
    monkeypatch.setattr(checks, "check", lambda formulas: pytest.fail("the ledger has not changed"))
    assert command.produce(TINY, names(TINY), False, written, "the command") == 0
    assert "good read, finished before" in capsys.readouterr().out
    made = [
        {p.name: p.read_bytes() for one in ("*.html", "*.js", "csv/*", "figures/*") for p in folder.glob(one)}
        for folder in (written, tmp_path)
    ]
    assert made[0] == made[1] and {"A1.svg", "A1-dark.svg", "A1.csv", "run-good.csv"} <= set(made[0])


def test_quick_is_marked_and_changes_what_its_column_says(tmp_path):
    assert words_of(TINY.experiments["good"], True)[-1] == "--config.task.num_keys=4"
    assert command.produce(with_good(), ["good"], True, tmp_path, "x") == 0
    index = reader_of(tmp_path / "index.html").text
    assert "Quick report:" in index and "1 not run yet" in index
    assert "--quick --only=A1" in reader_of(tmp_path / "first.html").text


def test_a_part_updates_its_pages_and_flips_no_verdict(written, tmp_path, capsys):
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("csv/A*")}
    drawn = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("figures/*")}
    assert command.produce(TINY, ["broken"], False, tmp_path, "x") == 0
    assert {path.name: path.read_bytes() for path in tmp_path.glob("csv/A*")} == before
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("figures/*")} == drawn
    assert "1 supported, 1 not supported, 1 inconclusive" in reader_of(tmp_path / "index.html").text
    assert command.produce(TINY, ["good"], False, tmp_path, "x") == 0
    told = "orrected by Holm over all 3 comparisons of the table; 1 of them are not run yet and count as p = 1"
    assert told in reader_of(tmp_path / "index.html").text and told in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in tmp_path.glob("csv/A*")} == before
    assert "not run yet" in reader_of(tmp_path / "second.html").text


def test_another_run_in_the_folder_is_put_aside(written, tmp_path):
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    changed = with_good(full=SMALL | {"num_seeds": 7})
    assert command.produce(changed, ["good"], False, tmp_path, "x") == 0
    assert (tmp_path / "runs" / "full" / "good" / "superseded-1" / "results.csv").is_file()
    assert len(list(csv.DictReader((tmp_path / "csv" / "A1.csv").read_text().splitlines()))) == 7


def test_only_takes_chapters_sections_claims_and_experiments():
    assert command.choose(TINY, "scale") == command.choose(TINY, "A2") == ["good"]
    assert command.choose(TINY, "first") == ["good", "broken"]  # both are runs of a config of this chapter
    assert command.choose(TINY, "B1,A1") == ["good", "broken"] and command.choose(TINY, "broken") == ["broken"]
    assert command.choose(TINY, None) == ["good", "broken"]
    lasting = TINY._replace(experiments=TINY.experiments | {"good": TINY.experiments["good"]._replace(long=True)})
    assert command.choose(lasting, None, quick=True) == ["broken"] and command.choose(lasting, "A2", True) == ["good"]
    assert command.choose(lasting, None) == ["good", "broken"]
    with pytest.raises(ValueError, match=r"--only=scala is unknown; did you mean scale\? there are: A1, scale, A2"):
        command.choose(TINY, "scala")
    with pytest.raises(ValueError, match="names nothing"):
        command.choose(TINY, ",")
    assert "regularization" in command.choose(TABLES, "T1") == command.choose(TABLES, "generalization")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only=C99"], "--only=C99 is unknown"),
        (["--onyl=C1"], "did you mean only?"),
        (["C1"], "unexpected argument 'C1'"),
    ],
)
def test_mistakes_of_the_caller_end_in_one_line(words, message, capsys):
    assert command.main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_an_error_before_the_first_run(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(command, "produce", lambda *_: pytest.fail("nothing may run"))
    assert command.main([f"--workdir={tmp_path / 'file'}"]) == 2
    assert "is a file; name a folder" in capsys.readouterr().err


def test_the_table_of_claims_is_whole():
    ids = [claim.id for claim in TABLES.claims]
    assert len(ids) == len(set(ids))
    sections = {section.slug for section in TABLES.sections}
    assert {claim.section for claim in TABLES.claims} == sections, "no section is empty, every claim has one"
    assert {claim.experiment for claim in TABLES.claims} <= set(TABLES.experiments)
    wanted = [f"C{number}" for number in range(1, 23)]
    assert all(any(re.fullmatch(f"{number}[a-z]?", name) for name in ids) for number in wanted)
    assert report.__doc__


def stage_settings(config, stage) -> set[str]:
    """What the page of a chain calls the settings of a stage."""
    found = parse(stage_words(config, Path("chain"), stage), OPTIONS)
    members = [{}] if found.get_sweep is None else found.get_sweep(found.config)
    return {f"{stage}: {member['label']}" if member.get("label") else stage for member in members}


@pytest.mark.parametrize("name", TABLES.experiments)
@pytest.mark.parametrize("quick", [False, True])
def test_there_are_enough_seeds_and_every_claim_names_settings_that_are_there(name, quick):
    experiment = TABLES.experiments[name]
    arguments = parse(words_of(experiment, quick), OPTIONS)
    config = arguments.config
    parts = [part for claim in TABLES.claims if claim.experiment == name for part in claim.parts]
    assert not parts or config.num_seeds >= pairs_needed(sum(len(claim.parts) for claim in TABLES.claims))
    sides = [side for part in parts for side in (part.a, part.b) if isinstance(side, Side)]
    if config.task.name in STUDIES:
        assert {side.metric for side in sides} <= set(STUDIES[config.task.name].columns)
        return
    from fnmatch import fnmatchcase

    if is_chain(config):
        names = {name for stage, *_ in config.task.stages for name in stage_settings(config, stage)}
    else:
        members = arguments.get_sweep(config)
        names = set(setting_names([{"label": member.get("label", ""), "overrides": member} for member in members]))
    for side in sides:
        assert any(fnmatchcase(one, side.setting) for one in names), f"{side.setting} is none of {sorted(names)}"


def test_an_interval_of_a_claim_ends_where_its_quantity_ends():
    """Three runs of four that are right everywhere: the interval by t would reach an accuracy of 1.05."""
    rows = [
        {"setting": name, "seed": seed, "test_accuracy": value}
        for name, values in {"a": (1.0, 1.0, 1.0, 0.8), "b": (0.9, 0.9, 0.9, 0.8)}.items()
        for seed, value in enumerate(values)
    ]
    for other, ends in ((Side("b", "test_accuracy"), (-1.0, 1.0)), (1.0, (-1.0, 0.0))):
        evidence = measure(rows, Part("share right", Side("a", "test_accuracy"), other))
        assert range_of_difference(evidence.part) == ends
        low, high = ended(evidence.comparison.difference, ends)
        assert ends[0] <= low < high <= ends[1]
        shown = part_cells(evidence, 1.0, "inconclusive")["95 % CI (t)"]
        assert shown == interval(low, high) and evidence.comparison.difference.high > (0 if other == 1.0 else -1)
        figure = claim_figure(Finding(TINY.claims[0], (evidence,), (1.0,), (), None))
        assert not [fault for fault in beyond(figure) if "share" in fault]


def test_what_stands_indented_in_a_docstring_stays_as_it_is():
    found = prose("Numbers:\n\n    size  a     b\n    50    0.1   0.2\n\nThe end.", {})
    assert found == "<p>Numbers:</p>\n<pre><code>size  a     b\n50    0.1   0.2</code></pre>\n<p>The end.</p>"
