"""The environment that AGI() sends, as Asterisk 22.10.1 sent it, and as nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.agi.request import parse_request
from controller.errors import AgiError, AgiProtocolError

ENVIRONMENT = {
    "agi_network": "yes",
    "agi_network_script": "consent?queue=support&greeting=bonjour%20%C3%A0",
    "agi_request": "agi://127.0.0.1:4573/consent?queue=support&greeting=bonjour%20%C3%A0&to=+33199000001&empty=",
    "agi_channel": "PJSIP/trunk-00000000",
    "agi_language": "fr",
    "agi_uniqueid": "1795477403.0",
    "agi_callerid": "0639980001",
    "agi_dnid": "unknown",
    "agi_context": "inbound",
    "agi_extension": "0199000001",
    "agi_accountcode": "",
    "agi_arg_1": "first",
    "agi_arg_2": "",
    "agi_arg_3": "a: b",
}


def lines(**changes: str) -> list[str]:
    """Write the environment with some of its lines changed."""
    return [f"{name}: {value}" for name, value in (ENVIRONMENT | changes).items()]


def test_a_request_tells_path_channel_and_numbers() -> None:
    request = parse_request(lines())
    assert request.path == "/consent"
    assert (request.channel_id, request.channel_name) == ("1795477403.0", "PJSIP/trunk-00000000")
    assert (request.language, request.context, request.extension) == ("fr", "inbound", "0199000001")
    assert request.caller_number == "0639980001"


def test_unknown_numbers_are_none() -> None:
    request = parse_request(lines(agi_callerid="unknown", agi_dnid=""))
    assert (request.caller_number, request.dialled_number) == (None, None)


def test_a_query_is_percent_decoded_and_keeps_its_plus() -> None:
    assert parse_request(lines()).query == {
        "queue": "support",
        "greeting": "bonjour à",
        "to": "+33199000001",
        "empty": "",
    }


def test_a_decoded_separator_does_not_separate() -> None:
    query = parse_request(lines(agi_request="agi://h/x?a=1%26b%3D2%0Ac&d")).query
    assert query == {"a": "1&b=2\nc", "d": ""}


def test_a_query_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        parse_request(lines()).query["queue"] = "sales"  # type: ignore[index]


def test_arguments_are_in_order_and_may_be_empty() -> None:
    assert parse_request(lines()).arguments == ("first", "", "a: b")


def test_a_url_without_a_path_asks_for_the_root() -> None:
    assert parse_request(lines(agi_request="agi://127.0.0.1")).path == "/"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"agi_request": ""}, "no agi_request"),
        ({"agi_uniqueid": ""}, "no agi_uniqueid"),
        ({"agi_channel": ""}, "no agi_channel"),
        ({"agi_request": "http://127.0.0.1/"}, "not an agi://"),
        ({"agi_request": "agi://[1/"}, "not a URL"),
        ({"agi_request": "agi://h/x?queue=a&queue=b"}, "twice"),
        ({"agi_request": "agi://h/x?queue=a%00"}, "a NUL"),
        ({"agi_language": "f\0r"}, "a NUL"),
        ({"GET / HTTP/1.1": ""}, "not 'agi_name: value'"),
    ],
)
def test_a_wrong_environment_is_refused(changes: dict[str, str], why: str) -> None:
    with pytest.raises(AgiProtocolError, match=why):
        parse_request(lines(**changes))


def test_a_line_that_comes_twice_is_refused() -> None:
    with pytest.raises(AgiProtocolError, match="twice"):
        parse_request([*lines(), "agi_request: agi://127.0.0.1/other"])


def test_no_line_at_all_is_refused() -> None:
    with pytest.raises(AgiProtocolError):
        parse_request([])


@given(st.text(), st.lists(st.text()))
def test_any_text_is_read_or_refused(url: str, more: list[str]) -> None:
    for environment in (lines(agi_request=url), lines(agi_request=f"agi://{url}"), more):
        try:
            parse_request(environment)
        except AgiError:
            continue
