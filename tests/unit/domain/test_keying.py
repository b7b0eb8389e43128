"""What an agent dials, and what of it is remembered."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.keying import BETWEEN_DIGITS, Keyed, press
from tests.unit.domain.stories import NOON

CODES = ("*7", "*8")
LONG = ("##1", "#12")


def type_in(digits: str, codes: tuple[str, ...] = CODES) -> tuple[str | None, list[str]]:
    """What is remembered in the end, and the codes that were completed."""
    keyed, done = None, []
    for digit in digits:
        keyed, code = press(keyed, digit, NOON, codes)
        done += [code] if code else []
    return (keyed.digits if keyed else None), done


@pytest.mark.parametrize(
    ("digits", "codes", "remembered", "completed"),
    [
        pytest.param("*7", CODES, None, ["*7"], id="a code completes and is forgotten"),
        pytest.param("*", CODES, "*", [], id="a beginning is remembered"),
        pytest.param("**7", CODES, None, ["*7"], id="a star too many does not spoil the code"),
        pytest.param("*17", CODES, None, [], id="a digit in between does"),
        pytest.param("7", CODES, None, [], id="the end of a code alone means nothing"),
        pytest.param("4970*7", CODES, None, ["*7"], id="a code is found behind other digits"),
        pytest.param("*7*8", CODES, None, ["*7", "*8"], id="one code after the other"),
        pytest.param("4970101234567890", CODES, None, [], id="nothing of a card number is remembered"),
        pytest.param("*4", CODES, None, [], id="nor what follows the beginning of a code"),
        pytest.param("###1", LONG, None, ["##1"], id="the end of a false start may begin a code"),
        pytest.param("##12", LONG, None, ["##1"], id="the code that completes first is meant"),
        pytest.param("#1", LONG, "#1", [], id="a longer beginning is remembered whole"),
        pytest.param("#19", LONG, None, [], id="and dropped whole"),
    ],
)
def test_typing(digits: str, codes: tuple[str, ...], remembered: str | None, completed: list[str]) -> None:
    assert type_in(digits, codes) == (remembered, completed)


@pytest.mark.parametrize(
    ("pause", "code"),
    [
        pytest.param(timedelta(), "*7", id="at once"),
        pytest.param(BETWEEN_DIGITS, "*7", id="after three seconds"),
        pytest.param(BETWEEN_DIGITS + timedelta(milliseconds=1), None, id="not after any longer"),
    ],
)
def test_a_beginning_waits_for_its_end(pause: timedelta, code: str | None) -> None:
    assert press(Keyed(digits="*", at=NOON), "7", NOON + pause, CODES)[1] == code


@given(st.text(alphabet="0123456789*#", max_size=30))
def test_only_beginnings_of_codes_are_ever_remembered(digits: str) -> None:
    keyed = None
    for digit in digits:
        keyed, _ = press(keyed, digit, NOON, (*CODES, *LONG))
        assert keyed is None or any(c.startswith(keyed.digits) and c != keyed.digits for c in (*CODES, *LONG))


@given(st.text(alphabet="0123456789", max_size=30))
def test_a_code_is_found_behind_whatever_was_typed_before(digits: str) -> None:
    assert type_in(f"{digits}*8") == (None, ["*8"])
