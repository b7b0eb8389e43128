"""How telephone numbers are spelt, so that one is found however a PBX or a person writes it, and how they are hashed.

Pure: nothing is looked up, and nothing is kept.
"""

import hashlib
import hmac
import re

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat

LONGEST_EXTENSION = 8
"""What is shorter than a full number may be an extension or a short code: it stays as it is unless surely a number."""

_SEPARATORS = re.compile(r"[\s.()/\u00a0\u2010-\u2015-]+")
_DIALLED = re.compile(r"\+?[0-9]{1,20}")


def is_country(code: str) -> bool:
    """Whether this is the ISO 3166 code of a country whose numbers can be read."""
    return code in phonenumbers.SUPPORTED_REGIONS


def spellings(text: str, country: str) -> frozenset[str]:
    """Every spelling that a pattern may be held against: as it is given, in E.164, and as dialled in its own country.

    ``country`` (ISO 3166, ``FR``) says how a number without a country's prefix is read. Empty where there is none.
    """
    given = text.strip()
    if not given:
        return frozenset()
    number = _number(given, country)
    if number is None:
        return frozenset({given, canonical(given, country) or given})
    found = {given, _e164(number)}
    if number.country_code == phonenumbers.country_code_for_region(country):
        found.add(_bare(phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)))
    return frozenset(found)


def canonical(text: str, country: str) -> str:
    """The one spelling by which somebody is found again: E.164, or the digits of an extension or a short code.

    Empty where this is no number (``anonymous``): whoever hides theirs must not be taken for all others who do.
    """
    number = _number(text, country)
    if number is not None:
        return _e164(number)
    bare = _bare(text)
    return bare if _DIALLED.fullmatch(bare) else ""


def hashed(text: str, *, country: str, key: bytes) -> bytes | None:
    """The keyed hash that stands for a number wherever it is kept (GDPR art. 25); None where this is no number."""
    number = canonical(text, country)
    return hash_of(number, key) if number else None


def hash_of(number: str, key: bytes) -> bytes:
    """The same of a number that is in its one spelling already."""
    return hmac.digest(key, number.encode(), hashlib.sha256)


def _number(text: str, country: str) -> PhoneNumber | None:
    """A full telephone number, or None.

    Plans change faster than what is known of them, so one that is merely possible counts too, where it is too long to
    be an extension.
    """
    bare = _bare(text)
    if not _DIALLED.fullmatch(bare):
        return None
    try:
        number = phonenumbers.parse(bare, country)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_valid_number(number):
        return number
    return number if len(bare) > LONGEST_EXTENSION and phonenumbers.is_possible_number(number) else None


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _bare(text: str) -> str:
    return _SEPARATORS.sub("", text)
