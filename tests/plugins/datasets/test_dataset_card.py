"""Dataset cards: where they lie, what they may say, and what is refused."""

import pytest

from tlbench import DataError
from tlbench.contract import Card
from tlbench_datasets.card import read_card


def test_a_folder_has_its_card_inside_and_a_file_beside(tmp_path):
    table = tmp_path / "a.csv"
    assert read_card(tmp_path) == read_card(table) == Card()
    (tmp_path / "dataset-card.toml").write_text('name = "Zoo"')
    (tmp_path / "a.csv.card.toml").write_text('name = "Table"')
    assert (read_card(tmp_path).name, read_card(table).name) == ("Zoo", "Table")


def test_every_key_is_read(tmp_path):
    (tmp_path / "dataset-card.toml").write_bytes(
        b'\xef\xbb\xbfname = " Zo\xc3\xb6 "\nlicense = "CC0"\ncitation = """\nA. B.\n2024\n"""\n'
        b'hazards = ["imagenet-1k", "inat"]\nnotes = "by phone"\n'
    )
    assert read_card(tmp_path) == Card("Zoö", "CC0", "A. B.\n2024", ("imagenet-1k", "inat"), "by phone")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'licence = "CC0"', "unknown key 'licence'. Did you mean 'license'?"),
        (b"name = 3", "'name' must be a text in quotes, got 3."),
        (b'hazards = "imagenet"', "'hazards' must be a list of texts"),
        (b"hazards = [1]", "'hazards' must be a list of texts"),
        (b'name = "a\\nb"', "'name' must be one line"),
        (b"name = ", "is not TOML: Invalid value"),
        (b'name = "\xe4"', "is not UTF-8"),
    ],
)
def test_a_slip_in_a_card_is_refused_naming_the_key(tmp_path, text, words):
    (tmp_path / "dataset-card.toml").write_bytes(text)
    with pytest.raises(DataError) as caught:
        read_card(tmp_path)
    assert words in str(caught.value)
    assert "dataset-card.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_card_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "dataset-card.toml").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        read_card(tmp_path)
