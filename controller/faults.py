"""What can be wrong with what was asked, as a word for programs beside the words for people.

A code never changes its meaning: the API tells it (docs/reference/http-api.md), and pages say it in the language of who
reads them (``controller/web/pages/words/faults.yaml``).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Self


class Code(StrEnum):
    """What is wrong: first with a request as a whole, then with one thing in it."""

    INVALID = "invalid"
    NOT_LOGGED_IN = "not-logged-in"
    LOG_IN_REFUSED = "log-in-refused"
    FORBIDDEN = "forbidden"
    NO_CSRF = "no-csrf"
    OWN_ACCOUNT = "own-account"
    BEYOND_YOU = "beyond-you"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - a word for it
    NOT_FOUND = "not-found"
    NO_CALL = "no-call"
    NO_HOLD = "no-hold"
    NO_OBJECTION = "no-objection"
    NO_NOTICE = "no-notice"
    NOTHING_STORED = "nothing-stored"
    NO_METHOD = "no-method"
    TOO_SLOW = "too-slow"
    CONFLICT = "conflict"
    TOO_LARGE = "too-large"
    MEDIA_TYPE = "media-type"
    NO_RANGE = "no-range"
    UNPROCESSABLE = "unprocessable"
    POLICY_FAULTY = "policy-faulty"
    TOO_MANY_ATTEMPTS = "too-many-attempts"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    DATABASE_AWAY = "database-away"
    UNCONFIRMED = "unconfirmed"

    MISSING = "missing"
    NO_NUMBER = "no-number"
    NO_CALL_ID = "no-call-id"
    CALL_UNKNOWN = "call-unknown"
    CALL_UNDER_WAY = "call-under-way"
    CALL_EXCLUDED = "call-excluded"
    NUMBER_ERASED = "number-erased"
    NOTHING_TO_RECTIFY = "nothing-to-rectify"
    NO_TIME = "no-time"
    NO_DAY = "no-day"
    PAST = "past"
    FUTURE = "future"
    TOO_FAR = "too-far"
    NOT_REFUSABLE = "not-refusable"
    NOT_YOURS = "not-yours"
    PURPOSE_UNKNOWN = "purpose-unknown"
    LENGTH = "length"
    NO_NAME = "no-name"
    TAKEN = "taken"
    ON_FILE_NO_MORE = "on-file-no-more"
    AT_THE_PROVIDER = "at-the-provider"
    SAME_PASSWORD = "same-password"  # noqa: S105 - a word for it
    NO_ROLE = "no-role"
    PURPOSES_AND_ROLES = "purposes-and-roles"
    EXTENSION_AND_AGENT = "extension-and-agent"
    NO_EXTENSION = "no-extension"
    PBX_AND_EXTENSION = "pbx-and-extension"
    NO_WORD = "no-word"
    NO_VERSION = "no-version"
    ANOTHER_DAY = "another-day"
    NO_TEXT = "no-text"
    NO_LIST = "no-list"
    COLUMNS = "columns"
    OUT_OF_REACH = "out-of-reach"
    QUARANTINED = "quarantined"
    RESTRICTED = "restricted"
    REASON_WANTED = "reason-wanted"


class Fault(str):
    """What is wrong with one thing, as a log or a terminal says it: ``field: words``.

    ``field`` is what was asked, as the API names it; None where it is no one field. ``values`` are the numbers and
    names that the words hold.
    """

    __slots__ = ("code", "field", "values")

    code: Code
    field: str | None
    values: Mapping[str, str | int]

    def __new__(cls, code: Code, words: str, /, *, of: str | None = None, **values: str | int) -> Self:
        """The same words with ``of``, the field, before them."""
        made = super().__new__(cls, f"{of}: {words}" if of is not None else words)
        made.code, made.field, made.values = code, of, values
        return made

    def renamed(self, fields: Mapping[str, str]) -> "Fault":
        """The same, of the field that goes by another name there."""
        if self.field is None or self.field not in fields:
            return self
        return Fault(self.code, self.removeprefix(f"{self.field}: "), of=fields[self.field], **self.values)

    def at(self, place: str, **values: str | int) -> "Fault":
        """The same in one of many places, such as a line."""
        made = Fault(self.code, f"{place}: {self}")
        made.field, made.values = self.field, {**self.values, **values}
        return made


_OF_STATUS: Final[Mapping[int, Code]] = {
    401: Code.NOT_LOGGED_IN,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    405: Code.NO_METHOD,
    408: Code.TOO_SLOW,
    409: Code.CONFLICT,
    413: Code.TOO_LARGE,
    415: Code.MEDIA_TYPE,
    416: Code.NO_RANGE,
    422: Code.UNPROCESSABLE,
    429: Code.TOO_MANY_ATTEMPTS,
    500: Code.FAILED,
    503: Code.UNAVAILABLE,
}


def code_of(status: int) -> Code:
    """What goes with a status of HTTP where nothing says more."""
    return _OF_STATUS.get(status, Code.INVALID)


NO_NUMBER: Final = Fault(
    Code.NO_NUMBER, "must be a telephone number, such as +33199000001 or 01 99 00 00 01", of="number"
)


def fault_of(words: str) -> Fault:
    """The same; what nobody has given a code is ``invalid``, and says itself what it is about."""
    if isinstance(words, Fault):
        return words
    field, colon, rest = words.partition(": ")
    return Fault(Code.INVALID, rest, of=field) if colon and field.isidentifier() else Fault(Code.INVALID, words)
