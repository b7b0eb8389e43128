"""The numbers of the emergency services, by country: a call to one of them is neither held up nor recorded.

The file can add to them and take none away. Where a country is not listed, only the number of all of Europe is known.
"""

EVERYWHERE = frozenset({"112"})

_FRANCE = frozenset({"15", "17", "18", "114", "115", "116000", "116117", "119", "191", "196", "197"})

BY_COUNTRY = {
    "AT": frozenset({"122", "128", "133", "140", "141", "142", "144", "147"}),
    "BE": frozenset({"100", "101", "116000"}),
    "BL": _FRANCE,
    "CH": frozenset({"117", "118", "143", "144", "145", "147", "1414"}),
    "DE": frozenset({"110", "116000", "116117"}),
    "ES": frozenset({"061", "062", "080", "085", "088", "091", "092", "116000"}),
    "FR": _FRANCE,
    "GB": frozenset({"18000", "999"}),
    "GF": _FRANCE,
    "GP": _FRANCE,
    "IE": frozenset({"116000", "999"}),
    "IT": frozenset({"113", "114", "115", "116000", "117", "118", "1515", "1530"}),
    "LU": frozenset({"113", "116000"}),
    "MC": frozenset({"15", "17", "18"}),
    "MF": _FRANCE,
    "MQ": _FRANCE,
    "NL": frozenset({"116000", "911"}),
    "PM": _FRANCE,
    "PT": frozenset({"115", "116000", "117"}),
    "RE": _FRANCE,
    "YT": _FRANCE,
}


def emergency_numbers(country: str) -> frozenset[str]:
    """What the emergency services of a country are called by, as it is dialled there."""
    return EVERYWHERE | BY_COUNTRY.get(country, frozenset())
