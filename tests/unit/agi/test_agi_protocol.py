"""Commands and answers, as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.agi.protocol import COMMAND_BYTES, Answer, AnswerParser, LineBuffer, build_command
from controller.errors import AgiError, AgiProtocolError


def parse(*lines: str) -> Answer | None:
    """Feed lines to a new parser; the last one's answer."""
    parser = AnswerParser()
    answer = None
    for line in lines:
        answer = parser.feed(line)
    return answer


def asterisk_reads(command: bytes) -> list[str]:
    """Split a command into words as res_agi does: quotes group, a backslash takes the next character as it is."""
    words: list[str] = []
    word: str | None = None
    quoted = escaped = False
    for character in command.decode().removesuffix("\n"):
        if escaped:
            word, escaped = (word or "") + character, False
        elif character == "\\":
            escaped = True
        elif character == '"':
            word, quoted = word or "", not quoted
        elif character in " \t" and not quoted:
            words, word = [*words, *([] if word is None else [word])], None
        else:
            word = (word or "") + character
    assert not quoted
    assert not escaped
    return [*words, *([] if word is None else [word])]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("200 result=1", Answer(code=200, result=1)),
        ("200 result=1 (value)", Answer(code=200, result=1, value="value")),
        ("200 result=1 ()", Answer(code=200, result=1, value="")),
        ("200 result=1 (a (b) endpos=3)", Answer(code=200, result=1, value="a (b) endpos=3")),
        ("200 result=49 endpos=9760", Answer(code=200, result=49, endpos=9760)),
        ("200 result=-1 endpos=0", Answer(code=200, result=-1, endpos=0)),
        ("510 Invalid or unknown command", Answer(code=510)),
        ("511 Command Not Permitted on a dead channel or intercept routine", Answer(code=511)),
        ("520 Invalid", Answer(code=520)),
    ],
)
def test_an_answer_of_one_line_is_read(line: str, answer: Answer) -> None:
    assert parse(line) == answer


@pytest.mark.parametrize(
    "line",
    [
        "",
        "200",
        "200 result=",
        "200 result=x",
        "200 result=1 (cut in two",
        "200 result=1 endpos=",
        "200-result=1",
        "100 Trying",
        "511-several",
        "hangup",
        "HANGUP ",
        "agi_request: agi://127.0.0.1/",
        "200 result=٣",
    ],
)
def test_what_is_no_answer_is_refused(line: str) -> None:
    with pytest.raises(AgiProtocolError):
        parse(line)


def test_a_520_is_one_answer_with_its_usage_skipped() -> None:
    usage = ["520-Invalid command syntax.  Proper usage follows:", "HANGUP", "200 result=1", "520 End of proper usage."]
    assert parse(*usage) == Answer(code=520)


def test_a_520_without_an_end_is_refused() -> None:
    with pytest.raises(AgiProtocolError, match="longer than 100 lines"):
        parse("520-Invalid", *["more"] * 101)


def test_a_hangup_line_is_remembered_and_is_no_answer() -> None:
    parser = AnswerParser()
    assert parser.feed("HANGUP") is None
    assert parser.hung_up
    assert parser.feed("200 result=0") == Answer(code=200, result=0)


@pytest.mark.parametrize(
    "value",
    ["plain", "", 'a" b "c', "back\\slash\\", '\\"', "100 %s %n %41", "${SHELL(id)}", "été", "  spaces  "],
)
def test_a_value_arrives_as_it_was(value: str) -> None:
    assert asterisk_reads(build_command("SET VARIABLE", "V", value)) == ["SET", "VARIABLE", "V", value]


@pytest.mark.parametrize("character", ["\n", "\r", "\0", "\x7f", "\t", "\udc80"])
def test_a_control_character_is_refused(character: str) -> None:
    with pytest.raises(AgiProtocolError, match="cannot carry"):
        build_command("SET VARIABLE", "V", f'x"{character}EXEC System "id')


@given(st.text(), st.text())
def test_no_value_becomes_another_command(name: str, value: str) -> None:
    try:
        command = build_command("SET VARIABLE", name, value)
    except AgiProtocolError:
        return
    assert command.count(b"\n") == 1
    assert asterisk_reads(command) == ["SET", "VARIABLE", name, value]


def test_a_number_goes_unquoted() -> None:
    assert build_command("VERBOSE", "hello", 3) == b'VERBOSE "hello" 3\n'


def test_a_command_longer_than_asterisk_reads_is_refused() -> None:
    longest = "x" * (COMMAND_BYTES - len(build_command("SET VARIABLE", "V", "")))
    assert len(build_command("SET VARIABLE", "V", longest)) == COMMAND_BYTES
    with pytest.raises(AgiProtocolError, match="longer"):
        build_command("SET VARIABLE", "V", longest + "x")


def test_lines_come_out_whole_however_they_arrive() -> None:
    buffer = LineBuffer(20)
    for byte in b"200 result=0\r\nHANG":
        buffer.feed(bytes([byte]))
    assert [buffer.next_line(), buffer.next_line()] == ["200 result=0", None]
    buffer.feed(b"UP\n\n")
    assert [buffer.next_line(), buffer.next_line(), buffer.next_line()] == ["HANGUP", "", None]


def test_a_line_may_be_as_long_as_the_limit() -> None:
    buffer = LineBuffer(4)
    buffer.feed(b"1234\n12345")
    assert buffer.next_line() == "1234"
    with pytest.raises(AgiProtocolError, match="longer than 4 bytes"):
        buffer.next_line()


@given(st.lists(st.binary()))
def test_any_bytes_are_read_or_refused(packets: list[bytes]) -> None:
    buffer = LineBuffer(64)
    parser = AnswerParser()
    for packet in packets:
        buffer.feed(packet)
        try:
            while (line := buffer.next_line()) is not None:
                parser.feed(line)
        except AgiError:
            return
