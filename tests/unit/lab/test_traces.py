"""What a caller typed is found however it was kept."""

import json

import pytest

from tests.acceptance.traces import spells

CARD = "4970101234567893"


def _log(digits: str) -> list[str]:
    """The log of somebody who logs each digit, among other lines."""
    lines = []
    for serial, digit in enumerate(digits):
        at = f"2026-11-24T10:00:{serial:02}.{serial * 7919 % 1000:03}Z"
        lines.append(json.dumps({"event": "dtmf.received", "digit": digit, "channel": f"PJSIP/x-{serial}a", "at": at}))
        lines.append(json.dumps({"event": "ari.sent", "attempt": 1, "at": at}))
    return lines


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([f"card {CARD}."], id="in one piece"),
        pytest.param(_log(CARD), id="a line for each digit, among others"),
        pytest.param(_log("".join(digit * 2 for digit in CARD)), id="each digit told of twice"),
        pytest.param(_log("71" + CARD + "8"), id="between other digits"),
        pytest.param([f"({n},{digit},t)" for n, digit in enumerate(CARD, 100)], id="a row for each digit"),
        pytest.param(list(CARD), id="nothing but a digit in each message"),
        pytest.param([json.dumps(list(CARD))], id="a list of digits in one line"),
    ],
)
def test_digits_are_found(lines: list[str]) -> None:
    assert spells(lines, CARD)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(_log(CARD[:-1]), id="one digit too few"),
        pytest.param(_log(CARD[::-1]), id="another order"),
        pytest.param(_log(CARD[:8] + "0" + CARD[8:]), id="another digit between"),
        pytest.param(_log("0123456789" * 40), id="a counter"),
        pytest.param([f"{at} took {digit}.5 ms" for at, digit in enumerate(CARD)], id="digits of other numbers"),
    ],
)
def test_other_digits_are_not_taken_for_them(lines: list[str]) -> None:
    assert not spells(lines, CARD)
