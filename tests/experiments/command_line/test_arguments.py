import pytest
from ml_collections import ConfigDict

from configs import base
from experiments.command_line.arguments import OPTIONS, convert, parse
from experiments.command_line.choices import nearest
from experiments.command_line.config_paths import apply, flatten
from experiments.run import main

DIGITS = "--config=configs/digits.py"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([DIGITS, "config.seed=1"], "unexpected argument 'config.seed=1'; write --config.seed=1"),
        ([DIGITS, "extra"], "every argument looks like --name=value"),
        ([DIGITS, "--config.trian.steps=1"], "unknown config key config.trian.steps; did you mean train.steps"),
        ([DIGITS, "--config.train.step=1"], "did you mean train.steps"),
        ([DIGITS, "--config.hparams.lr=1"], "unknown config key config.hparams.lr"),
        ([DIGITS, "--config.train.steps=abc"], "--config.train.steps=abc is not an int"),
        ([DIGITS, "--config.train.steps=1e3"], "--config.train.steps=1e3 is not an int; write 1000"),
        ([DIGITS, "--config.data.batch_size=1.5"], "is not an int; write a whole number, or None to leave it unset"),
        ([DIGITS, "--config.hparams.l2=0,5"], "--config.hparams.l2=0,5 is not a float; write 0.5"),
        ([DIGITS, "--config.seed=None"], "--config.seed=None is not an int; it cannot be left unset"),
        ([DIGITS, "--config.model.hidden_sizes=(3 4)"], "write values with commas between them, such as 64,32"),
        ([DIGITS, "--config.hparams.l2="], "--config.hparams.l2= is empty; write --config.hparams.l2=VALUE, or"),
        ([DIGITS, "--config.seed=1", "--config.seed=2"], "--config.seed is given twice (1 and 2); give it once"),
        (
            [DIGITS, "--hparams.l2=1"],
            "unknown option --hparams.l2; a key of the config is set by --config.hparams.l2=1",
        ),
        ([DIGITS, "--learning_rate=1"], "is set by --config.hparams.learning_rate=1"),
        ([DIGITS, "--steps=1"], "is set by --config.train.steps=1"),
        ([DIGITS, "--sweep=maybe"], "--sweep=maybe is not a bool; use true or false"),
        ([DIGITS, "--config.schedule.warmup_steps=1000"], "warmup_steps=1000 is not below config.train.steps=1000"),
        (
            ["--config=gpt_quick", "--config.model.heads_num=5"],
            "heads_num=5 does not divide embedding_dim=128; use 1, 2",
        ),
        (["--config=vit", "--config.model.heads_num=5"], "heads_num=5 does not divide embedding_dim=64; use 1, 2"),
        (["digits"], "unexpected argument 'digits'; write --config=digits"),
        ([DIGITS, "seed=3"], "unexpected argument 'seed=3'; write --config.seed=3"),
        ([DIGITS, "--confg.seed=3"], "unknown option --confg.seed; a key of the config is set by --config.seed=3"),
        (["--config=README.md"], "--config=README.md is not a Python file"),
        ([DIGITS, "--config.figures="], 'or "--config.figures=()" for none'),
        ([DIGITS, "--config.schedule.name=step"], "schedule 'step' needs config.schedule.decay_steps; set it"),
        (["--config=gpt_quick", "--config.data.name=file"], "add --config.data.path=FILE"),
        (["--config=gpt_quick", "--config.data.tokenizer=bpe"], "add --config.data.vocabulary_size=1000"),
        (
            ["--config=gpt_quick", "--config.data.tokenizer=bp"],
            "config.data.tokenizer='bp' is unknown; did you mean bpe",
        ),
        (["--config"], "--config has no value; write --config=configs/NAME.py"),
        (["--config="], "--config= is empty"),
        ([DIGITS, "--config.hparams.l2=x"], "--config.hparams.l2=x is not a float"),
        ([DIGITS, "--config.model.use_bias=maybe"], "--config.model.use_bias=maybe is not a bool"),
        ([DIGITS, "--config.model=mlp"], "config.model is a section, not a value"),
        ([DIGITS, "--workdri=x"], "unknown option --workdri; did you mean workdir?"),
        (["--config=configs/digist.py"], "no config file 'configs/digist.py'; did you mean digits or digits_cnn?"),
        (["--config.seed=1"], "add --config=configs/NAME.py before it"),
        ([DIGITS, "--config.data.name=digist"], "did you mean digits"),
        ([DIGITS, "--config.model.name=mpl"], "did you mean mlp?"),
        ([DIGITS, "--config.model.activation=rleu"], "did you mean relu"),
        ([DIGITS, "--config.optimizer.name=adm"], "did you mean adam"),
        ([DIGITS, "--config.schedule.name=cosin"], "did you mean cosine?"),
        ([DIGITS, "--config.task.name=clasification"], "did you mean classification"),
        ([DIGITS, "--config.task.name=regression"], "use task.name=classification"),
        ([DIGITS, "--config.task.name=binary"], "needs 2 classes and data 'digits' has 10"),
        (
            [DIGITS, "--config.data.train=5000"],
            "config.data.train, validation and test: split sizes 5000 + 300 + 497 = 5797 exceed the 1797 examples there are",
        ),
        (
            [DIGITS, "--config.data.batch_size=2000"],
            "config.data.batch_size=2000 is more than the 1000 examples of the training part; give --config.data.batch_size=1000 or",
        ),
        ([DIGITS, "--config.hparams.learning_rate=-1"], "config.hparams.learning_rate=-1.0 is outside (0, inf)"),
        ([DIGITS, "--config.hparams.learning_rate=nan"], "config.hparams.learning_rate=nan is outside"),
        ([DIGITS, "--config.hparams.momentum=0.9"], "config.hparams.momentum=0.9 is read by nothing in this config"),
        ([DIGITS, "--config.hparams.min_delta=0.1"], "min_delta=0.1 is read by nothing"),
        ([DIGITS, "--config.optimizer.name=momentum"], "hparams.momentum is not set"),
        ([DIGITS, "--config.model.hidden_sizes=(3,0)"], "must hold whole numbers >= 1"),
        ([DIGITS, "--config.figures=('curve',)"], "config.figures='curve' is unknown"),
        ([DIGITS, "--config.table=('test_acuracy',)"], "'test_acuracy'; did you mean test_accuracy"),
    ],
)
def test_every_mistake_is_one_line_and_exit_code_2(words, message, capsys, tmp_path):
    assert main([*words, f"--workdir={tmp_path / 'run'}"]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1 and "Traceback" not in captured.err
    assert not (tmp_path / "run").exists()


def test_without_config_the_configs_are_listed(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert "regularization" in printed and "Regularization compared" in printed


def test_overrides_take_the_type_of_their_key():
    words = [DIGITS, "--config.hparams.l2=1", "--config.model.hidden_sizes=(5,3)", "--config.train.keep_best=true"]
    arguments = parse([*words, "--config.seed=4", "--sweep=false"], OPTIONS)
    config = arguments.config
    assert (config.hparams.l2, config.model.hidden_sizes, config.train.keep_best, config.seed) == (1.0, (5, 3), True, 4)
    assert isinstance(config.hparams.l2, float)
    assert arguments.overrides["seed"] == "4"


def test_values_can_be_unset_and_stand_after_a_blank():
    words = ["--config", "gpt_quick", "--config.hparams.clip_norm=None", "--config.seed", "4", "--sweep", "false"]
    arguments = parse([*words, "--config.data.vocabulary_size=none"], OPTIONS)
    assert (arguments.config.hparams.clip_norm, arguments.config.seed, arguments.options["sweep"]) == (None, 4, False)
    config = parse([DIGITS, "--config.data.batch_size=None"], OPTIONS).config
    assert config.data.batch_size is None


@pytest.mark.parametrize(
    ("keys", "values", "name", "later"),
    [
        (base.PPO, {"prompts": 4, "reward_model": "checkpoints/reward_model"}, "reward_model", "other"),
        (base.CONVERSATIONS, {"context_size": 8, "batch_size": 2, "path": "own.jsonl"}, "path", "other"),
        (base.TRANSFER, {"member": 0}, "member", 3),
    ],
    ids=["reward model", "path", "member"],
)
def test_a_key_that_may_be_unset_stays_so_in_a_section_that_sets_it(keys, values, name, later):
    config = ConfigDict({"part": base.section(keys, **values)})
    assert config.part[name] == values[name]
    path = f"part.{name}"
    assert convert(config, {path: "None"}) == {path: None}
    assert convert(config, {path: str(later)}) == {path: later}
    assert apply(apply(config, {path: None}), {path: later}).part[name] == later


def test_a_needed_key_cannot_be_left_unset():
    with pytest.raises(ValueError, match="base.section lacks heads_num, embedding_dim, which cannot be left unset"):
        base.section(base.GPT, layers_num=2)
    config = ConfigDict({"model": base.gpt(layers_num=2, heads_num=2, embedding_dim=8)})
    with pytest.raises(ValueError, match="layers_num=None is not an int; it cannot be left unset"):
        convert(config, {"model.layers_num": "None"})


@pytest.mark.parametrize(
    ("text", "value"),
    [("64", (64,)), ("64,32", (64, 32)), ("(64,)", (64,)), ("()", ()), ("[3,4]", (3, 4)), ("( 5, 6 )", (5, 6))],
)
def test_tuples_need_no_brackets(text, value):
    assert parse([DIGITS, f"--config.model.hidden_sizes={text}"], OPTIONS).config.model.hidden_sizes == value


def test_names_in_a_tuple_need_no_quotes():
    assert parse([DIGITS, "--config.figures=paths,comparison"], OPTIONS).config.figures == ("paths", "comparison")


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_workdir_that_is_a_file_is_told_as_such(place, tmp_path, capsys):
    (tmp_path / "file").write_text("text", encoding="utf-8")
    assert main([DIGITS, f"--workdir={tmp_path / place}"]) == 2
    assert f"{tmp_path / 'file'} is a file; name a folder" in capsys.readouterr().err
    assert main([DIGITS, "--workdir="]) == 2
    assert "--workdir= is empty" in capsys.readouterr().err


def test_a_config_is_found_by_its_name_alone():
    assert parse(["--config=digits"], OPTIONS).path.name == "digits.py"


def test_apply_changes_a_copy_and_can_unset():
    config = parse([DIGITS], OPTIONS).config
    changed = apply(config, {"data.batch_size": None, "hparams.l1": 2})
    assert changed.data.batch_size is None and changed.hparams.l1 == 2.0
    assert config.data.batch_size == 64 and config.hparams.l1 is None
    with pytest.raises(ValueError, match="is not of type float"):
        apply(config, {"hparams.l1": "much"})


def test_nearest_finds_a_misspelt_last_part():
    names = list(flatten(parse([DIGITS], OPTIONS).config))
    assert "model.activation" in nearest("modl.actvation", names)
    assert nearest("zzzzzz", names) == ""
