"""Finds digits in what is written, in one piece or one at a time.

Owns the reading of text; does not know where the text comes from. DTMF arrives digit by digit, so whoever kept what a
caller typed would most likely have kept one digit in each line, row or message.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

_WORD = re.compile(r"[\w.+-]+", re.ASCII)
_DIGIT = re.compile(r"[0-9]")


def spells(lines: Iterable[str], digits: str) -> bool:
    """Tell whether lines hold these digits in one piece, each alone in one line, or each alone in a line of its own.

    Lines are alike when they differ only in words with a digit in them: times, identifiers, names of channels. Of
    lines that are alike, the same word must be one digit in each and spell all of them in order, with nothing between;
    a digit may come several times in a row, as when both halves of a ``Local/`` pair tell of it. Sixteen given digits
    do not come so by chance.
    """
    spelled = re.compile("".join(f"{digit}+" for digit in digits))
    columns: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for line in lines:
        if digits in line:
            return True
        words = [word for word in _WORD.findall(line) if _DIGIT.search(word)]
        if spelled.search(_series(words)):
            return True
        alike = _WORD.sub(lambda word: "#" if _DIGIT.search(word[0]) else word[0], line)
        for place, word in enumerate(words):
            columns[alike, place].append(word)
    return any(spelled.search(_series(words)) for words in columns.values())


def _series(words: Iterable[str]) -> str:
    """Words that are one digit as they are, and each other word as a space."""
    return "".join(word if len(word) == 1 else " " for word in words)
