"""The report on a tiny table of claims: what the page holds, what a failed run leaves, and that it is the same twice."""

import csv
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from experiments import report
from experiments.command_line.arguments import OPTIONS, config_files, parse
from experiments.execution.chain import is_chain, stage_words
from experiments.report import __main__ as command
from experiments.report.claims import TABLES
from experiments.report.records import Claim, Experiment, Section, Tables
from experiments.report.runs import words_of
from experiments.run_directory.settings import setting_names
from experiments.studies import STUDIES
from nn_core.evidence.claims import Part, Side
from nn_core.evidence.statistics import pairs_needed

# The report draws the figures of a run itself; the run need not draw them too.
SMALL = {"num_seeds": 8, "task.head_widths": (256,), "figures": (), "task.num_queries": 16, "task.num_keys": 8}
TINY = Tables(
    sections=(
        Section("scale", "Scaling & <more>", "Does it help?"),
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
        self.images, self.ids, self.addresses, self.open, self.unboxed_tables = [], [], [], [], 0
        self.text = ""

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.ids += [named["id"]] if "id" in named else []
        self.addresses += [value for key, value in attrs if key in ("href", "src", "srcset", "action") and value]
        if tag == "img":
            self.images.append(named)
        if tag == "table" and not any("scroll" in box for box in self.open):
            self.unboxed_tables += 1
        if tag not in ("meta", "link", "img"):
            self.open.append(f"{tag} {named.get('class', '')}")

    def handle_endtag(self, tag):
        assert self.open.pop().split()[0] == tag

    def handle_data(self, data):
        self.text += data


def with_good(**changes):
    """The tables with another experiment "good", whose figure, looked at elsewhere, is not drawn."""
    changed = TINY.experiments["good"]._replace(figures=(), **changes)
    return TINY._replace(experiments=TINY.experiments | {"good": changed})


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("report")
    assert command.produce(TINY, TINY.claims, False, workdir, "the command") == 0
    return workdir


@pytest.fixture
def page(written):
    reader = Reader()
    reader.feed((written / "index.html").read_text(encoding="utf-8"))
    assert not reader.open, "every element is closed"
    return reader


def test_the_page_needs_no_network_and_no_other_file_but_the_numbers_beside_it(written, page):
    assert page.images and all(image["src"].startswith("data:image/png;base64,") for image in page.images)
    assert all(image["alt"] for image in page.images)
    files = [address for address in page.addresses if not address.startswith(("data:", "#"))]
    assert files and all(address.startswith("csv/") and (written / address).is_file() for address in files)
    assert (
        "@import" not in (written / "index.html").read_text() and "<script" not in (written / "index.html").read_text()
    )


def test_every_link_leads_to_a_place_and_every_table_scrolls_in_its_box(page):
    targets = [address[1:] for address in page.addresses if address.startswith("#")]
    assert set(targets) == {"A1", "A2", "B1"} <= set(page.ids)
    assert page.unboxed_tables == 0 and len(page.ids) == len(set(page.ids))


def test_light_and_dark_and_a_phone(written):
    text = (written / "index.html").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text and 'name="viewport"' in text and "color-scheme: light dark" in text


def test_verdicts_are_printed_as_they_are(written, page):
    with (written / "csv" / "verdicts.csv").open() as file:
        verdicts = {row["claim"]: row for row in csv.DictReader(file)}
    labels = {name: row["verdict"] for name, row in verdicts.items()}
    assert labels == {"A1": "supported", "A2": "not supported", "B1": "inconclusive"}
    # Three comparisons are corrected together: 3 · 2^-7 for eight seeds of one sign.
    assert float(verdicts["A1"]["p_holm"]) == pytest.approx(3 / 128)
    assert "1 supported, 1 not supported, 1 inconclusive" in page.text


def test_a_failed_run_shows_as_such_and_the_rest_is_written(page):
    assert "The run failed." in page.text and "config.task.num_queries=0 is outside [1, 65536]" in page.text
    assert {"scale", "other", "methods", "provenance", "overview"} <= set(page.ids)


def test_the_text_of_the_tables_is_escaped(written):
    assert "Scaling &amp; &lt;more&gt;" in (written / "index.html").read_text(encoding="utf-8")


def test_it_says_what_it_was_made_with_and_how_to_make_it_again(page):
    import jax

    assert f"jax {jax.__version__}" in page.text and "the command" in page.text
    assert "python -m experiments.report --only=A1" in page.text
    assert "python -m experiments.run --config=configs/attention_scale.py --config.num_seeds=8" in page.text
    assert re.search(r"dates of the runs\s*\d{4}-\d\d-\d\d", page.text)


def test_a_second_report_gives_the_same_numbers_and_reads_finished_runs(written, tmp_path, capsys):
    assert command.produce(TINY, TINY.claims, False, written, "the command") == 0
    assert "good read, finished before" in capsys.readouterr().out
    first = {path.name: path.read_bytes() for path in written.glob("csv/*")}
    assert command.produce(TINY, TINY.claims, False, tmp_path, "the command") == 0
    assert {path.name: path.read_bytes() for path in tmp_path.glob("csv/*")} == first
    pictures = [{p.name: p.read_bytes() for p in folder.glob("png/*")} for folder in (written, tmp_path)]
    assert pictures[0] == pictures[1] and "A1.png" in pictures[0]
    index = [(folder / "index.html").read_text() for folder in (written, tmp_path)]
    assert index[0] == index[1]


def test_quick_is_marked_and_changes_what_its_column_says(tmp_path):
    assert words_of(TINY.experiments["good"], True)[-1] == "--config.task.num_keys=4"
    assert command.produce(with_good(), TINY.claims[:1], True, tmp_path, "x") == 0
    text = (tmp_path / "index.html").read_text()
    assert "Quick report:" in text and "--quick --only=A1" in text
    reader = Reader()
    reader.feed(text)
    assert "1 supported, 0 not supported, 1 inconclusive" not in reader.text and "1 not run yet" in reader.text


def test_a_part_updates_its_part_of_the_page_and_flips_no_verdict(written, tmp_path, capsys):
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("csv/A*")}
    assert command.produce(TINY, TINY.claims[:1], False, tmp_path, "x") == 0
    reader = Reader()
    reader.feed((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert {"A1", "A2", "B1", "scale", "other"} <= set(reader.ids)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("csv/A*")} == before
    assert "1 supported, 1 not supported, 0 inconclusive, 1 not run yet" in reader.text
    told = "corrected by Holm over all 3 comparisons of the table; 1 of them are not run yet and count as p = 1"
    assert told in reader.text and told in capsys.readouterr().out


def test_another_run_in_the_folder_is_put_aside(written, tmp_path):
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    changed = with_good(full=SMALL | {"num_seeds": 7})
    assert command.produce(changed, changed.claims[:1], False, tmp_path, "x") == 0
    assert (tmp_path / "runs" / "full" / "good" / "superseded-1" / "results.csv").is_file()
    assert len(list(csv.DictReader((tmp_path / "csv" / "A1.csv").read_text().splitlines()))) == 7


def test_only_takes_claims_and_sections():
    assert [claim.id for claim in command.choose(TINY, "scale")] == ["A1", "A2"]
    assert [claim.id for claim in command.choose(TINY, "B1,A1")] == ["A1", "B1"]
    assert len(command.choose(TINY, None)) == 3
    with pytest.raises(ValueError, match=r"--only=scala is unknown; did you mean scale\? there are: A1, A2, B1, scale"):
        command.choose(TINY, "scala")
    with pytest.raises(ValueError, match="names nothing"):
        command.choose(TINY, ",")


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
    assert {claim.experiment for claim in TABLES.claims} == set(TABLES.experiments)
    assert {one.config for one in TABLES.experiments.values()} <= set(config_files())
    wanted = [f"C{number}" for number in (*range(1, 13), 14, 15, 17, 18)]
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
    assert config.num_seeds >= pairs_needed(sum(len(claim.parts) for claim in TABLES.claims))
    parts = [part for claim in TABLES.claims if claim.experiment == name for part in claim.parts]
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


def test_the_page_stands_in_the_folder_with_its_files(written):
    files = {str(path.relative_to(written)) for path in Path(written).rglob("*") if path.is_file()}
    assert {"index.html", "csv/A1.csv", "csv/B1.csv", "png/A1.png", "png/good-comparison.png"} <= files
