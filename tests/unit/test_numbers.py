"""The same number is the same number, however it is written; an extension is not taken for one."""

import pytest

from controller.numbers import canonical, hashed, is_country, spellings

KEY = b"a key for tests that is no secret"

MOBILE = [
    "0639980001",
    "06 39 98 00 01",
    "06.39.98.00.01",
    "06-39-98-00-01",
    " 0639980001 ",
    "+33639980001",
    "+33 6 39 98 00 01",
    "+33 (0)6 39 98 00 01",
    "0033639980001",
    "33639980001",
]


@pytest.mark.parametrize("written", MOBILE)
def test_a_number_is_the_same_however_it_is_written(written: str) -> None:
    assert canonical(written, "FR") == "+33639980001"
    assert spellings(written, "FR") == {written.strip(), "+33639980001", "0639980001"}


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        pytest.param("01 99 00 00 01", "FR", "+33199000001", id="a landline"),
        pytest.param("0199000001999", "FR", "0199000001999", id="a number that its country cannot have"),
        pytest.param("+33199000001", "BE", "+33199000001", id="a number of another country"),
        pytest.param("201", "FR", "201", id="an extension"),
        pytest.param("100", "DE", "100", id="an extension that might be a number"),
        pytest.param("20100001", "FR", "20100001", id="a long extension"),
        pytest.param("15", "FR", "15", id="an emergency number"),
        pytest.param("3631", "FR", "3631", id="a short code"),
        pytest.param("116 000", "FR", "116000", id="a harmonised short code"),
        pytest.param("", "FR", "", id="nothing"),
        pytest.param(" ", "FR", "", id="a blank"),
        pytest.param("anonymous", "FR", "", id="who hides theirs"),
        pytest.param("*31#0199000001", "FR", "", id="a code"),
        pytest.param("0199000001;ext=5", "FR", "", id="a number with more behind it"),
        pytest.param("9" * 300, "FR", "", id="far too many digits"),
        pytest.param("٠١٩٩٠٠٠٠٠١", "FR", "", id="digits that no telephone has"),
    ],
)
def test_what_is_hashed_is_a_number_an_extension_or_nothing(written: str, country: str, expected: str) -> None:
    assert canonical(written, country) == expected
    assert (hashed(written, country=country, key=KEY) is None) == (expected == "")


def test_a_number_of_another_country_has_no_national_spelling() -> None:
    assert spellings("+44 1632 960012", "FR") == {"+44 1632 960012", "+441632960012"}


def test_an_extension_and_a_name_stay_what_they_are() -> None:
    assert spellings("201", "FR") == {"201"}
    assert spellings("116 000", "FR") == {"116 000", "116000"}
    assert spellings("Accueil Paris", "FR") == {"Accueil Paris"}


def test_a_number_that_is_withheld_has_no_spelling() -> None:
    assert spellings("", "FR") == spellings("  ", "FR") == frozenset()


def test_the_hash_depends_on_the_number_and_on_the_key_alone() -> None:
    hashes = {hashed(written, country="FR", key=KEY) for written in MOBILE}
    assert len(hashes) == 1
    [customer] = hashes
    assert customer is not None
    assert len(customer) == 32
    assert hashed("0639980002", country="FR", key=KEY) != customer
    assert hashed("0639980001", country="FR", key=b"another") != customer


def test_a_country_is_one_by_its_code() -> None:
    assert is_country("FR")
    assert [code for code in ("fr", "France", "33", "ZZ", "") if is_country(code)] == []
