import pytest

from experiments.command_line.options import Option, parse_options, usage

OPTIONS = {
    "temperature": Option(float, "of the draws"),
    "top_k": Option(int, "kept"),
    "prompt": Option(str, "what to continue", (), True),
    "greedy": Option(bool, "no draws", False),
}


def test_values_take_the_type_of_their_option():
    words = ["--temperature=1", "--top_k=3", "--prompt=a=b", "--prompt=", "--greedy"]
    values = parse_options(words, OPTIONS)
    assert values == {"temperature": 1.0, "top_k": 3, "prompt": ("a=b", ""), "greedy": True, "help": False}
    assert isinstance(values["temperature"], float)


def test_what_is_not_given_has_its_default():
    assert parse_options([], OPTIONS) == {
        "temperature": None,
        "top_k": None,
        "prompt": (),
        "greedy": False,
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
            "unknown option --temprature; did you mean temperature?; there are --temperature, --top_k",
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
