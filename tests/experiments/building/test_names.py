"""A run's name is that of its folder, on every system."""

import pytest

from experiments.building.ranges import check_name


@pytest.mark.parametrize("name", ["gpt_quick", "2026-11-29.b", "console", "com10", "a" * 128])
def test_names_of_folders(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name", ["", "../up", "a:b", "what?", "a/b", "a\\b", "a ", "ends.", ".hidden", "-x", "a" * 129]
)
def test_what_no_folder_is_called_everywhere(name: str) -> None:
    with pytest.raises(ValueError, match=r"must be 1 to 128 letters, .* a letter or digit first, no '.' last"):
        check_name(name)


@pytest.mark.parametrize("name", ["con", "NUL", "aux.txt", "COM1", "lpt9.x"])
def test_devices_of_windows(name: str) -> None:
    with pytest.raises(ValueError, match="is the name of a device on Windows; choose another"):
        check_name(name)
