import pytest

from experiments.command_line.arguments import OPTIONS, parse
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
        ([DIGITS, "--config.train.steps=1e3"], "--config.train.steps=1e3 is not an int"),
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
        ([DIGITS, "--config.data.train=5000"], "exceed the 1797 examples there are"),
        ([DIGITS, "--config.data.batch_size=2000"], "must be between 1 and the 1000 training examples"),
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
