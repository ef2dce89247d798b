import pytest

from experiments.command_line.options import Option, as_typed, parse_options, usage

OPTIONS = {
    "temperature": Option(float, "of the draws"),
    "top_k": Option(int, "kept"),
    "prompt": Option(str, "what to continue", (), True, True),
    "greedy": Option(bool, "no draws", False),
    "name": Option(str, "of a file"),
}


def test_values_take_the_type_of_their_option():
    words = ["--temperature=1", "--top_k=3", "--prompt=a=b", "--prompt=", "--greedy"]
    values = parse_options(words, OPTIONS)
    given = {"temperature": 1.0, "top_k": 3, "prompt": ("a=b", ""), "greedy": True}
    assert values == {**given, "name": None, "help": False}
    assert isinstance(values["temperature"], float)


def test_what_is_not_given_has_its_default():
    assert parse_options([], OPTIONS) == {
        "temperature": None,
        "top_k": None,
        "prompt": (),
        "greedy": False,
        "name": None,
        "help": False,
    }


@pytest.mark.parametrize(("word", "value"), [("--greedy", True), ("--nogreedy", False), ("--greedy=no", False)])
def test_a_switch_may_stand_alone(word, value):
    assert parse_options([word], OPTIONS)["greedy"] is value


def test_positional_words_are_kept_in_their_order():
    assert parse_options(["b", "--top_k=1", "a"], OPTIONS, positional=("a", "b"))["positional"] == ("b", "a")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--temprature=1"],
            "unknown option --temprature; did you mean temperature? there are --temperature, --top_k",
        ),
        (["--top_k=a"], "--top_k=a is not an int"),
        (["--top_k=1.5"], "--top_k=1.5 is not an int"),
        (["--temperature=hot"], "--temperature=hot is not a float"),
        (["--greedy=maybe"], "--greedy=maybe is not a bool"),
        (["--top_k"], "--top_k has no value; write --top_k=VALUE"),
        (["--top_k=1", "--top_k=2"], "--top_k is given twice"),
        (["top_k=1"], "unexpected argument 'top_k=1'; write --top_k=1"),
        (["word"], "every argument looks like --name=value"),
        (["--nothing"], "unknown option --nothing"),
        (["--name="], "--name= is empty; write --name=VALUE"),
        (["-greedy"], "unexpected argument '-greedy'; write --greedy"),
        (["--top_k", "--greedy"], "--top_k has no value; write --top_k=VALUE"),
        (["--temperature=0,5"], "--temperature=0,5 is not a float; write 0.5"),
        (["--greedy=maybe"], "use true or false"),
    ],
)
def test_a_mistake_names_itself(words, message):
    with pytest.raises(ValueError) as caught:
        parse_options(words, OPTIONS)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_misspelt_word_names_the_nearest():
    with pytest.raises(ValueError, match="'attenton' is unknown; did you mean attention"):
        parse_options(["attenton"], OPTIONS, positional=("attention", "beam"))


def test_usage_tells_every_option():
    text = usage("command", "what it does", OPTIONS)
    assert text.startswith("usage: command\n") and all(f"--{name}" in text for name in OPTIONS)


def test_a_value_may_stand_after_a_blank():
    values = parse_options(["--top_k", "3", "--greedy", "picture.png", "--temperature", "-1"], OPTIONS, positional=True)
    assert (values["top_k"], values["greedy"], values["temperature"]) == (3, True, -1.0)
    assert values["positional"] == ("picture.png",)


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_is_found_among_mistakes(word):
    assert parse_options(["--temprature=1", word], OPTIONS)["help"] is True


def test_a_library_s_error_names_the_options_as_typed():
    error = as_typed(ValueError("top_k=0 is below 1; use more, or greedy=True; stop_k=1"), OPTIONS)
    assert str(error) == "--top_k=0 is below 1; use more, or --greedy; stop_k=1"


def test_usage_fits_the_terminal_and_shows_defaults_and_examples(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    text = usage("command", "what it does", {"size": Option(int, "a long text " * 12, 7)}, ["command --size=3"])
    assert "(default: 7)" in text and "  command --size=3" in text and "--help" in text
    assert max(map(len, text.splitlines())) <= 60
