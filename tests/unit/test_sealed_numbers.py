"""A sealed number is shown by its key and by no other, and tells nothing without it."""

import pytest

from controller.errors import SealBroken
from controller.numbers import hash_of
from controller.sealed_numbers import display_key, seal, unseal

NUMBERS_KEY = b"a key for tests that is none...!"
KEY = display_key(NUMBERS_KEY)
NUMBER = "+33199000001"


@pytest.mark.parametrize("number", [NUMBER, "201", "15"])
def test_a_sealed_number_is_opened_by_its_key(number: str) -> None:
    assert unseal(seal(number, KEY), KEY) == number


def test_the_same_number_is_sealed_differently_each_time_and_stands_nowhere_in_it() -> None:
    """Or whoever reads two rows would know that they are of one customer."""
    first, second = seal(NUMBER, KEY), seal(NUMBER, KEY)
    assert first != second
    assert NUMBER[1:].encode() not in first


def test_the_key_that_seals_is_not_the_one_that_hashes() -> None:
    assert KEY != NUMBERS_KEY
    assert hash_of(NUMBER, KEY) != hash_of(NUMBER, NUMBERS_KEY)


@pytest.mark.parametrize(
    ("sealed", "key"),
    [
        pytest.param(seal(NUMBER, KEY), display_key(b"another key for tests, also none"), id="another key"),
        pytest.param(seal(NUMBER, KEY)[:-1], KEY, id="cut off"),
        pytest.param(bytes([seal(NUMBER, KEY)[0] ^ 1]) + seal(NUMBER, KEY)[1:], KEY, id="changed"),
        pytest.param(b"", KEY, id="nothing"),
    ],
)
def test_what_is_not_as_it_was_sealed_is_not_opened(sealed: bytes, key: bytes) -> None:
    with pytest.raises(SealBroken) as broken:
        unseal(sealed, key)
    assert "199" not in str(broken.value)
