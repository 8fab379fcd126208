"""Numbers of payment cards and bank accounts, known by their check digits."""

from __future__ import annotations

import re

from typing import TYPE_CHECKING

from otel_flow.redaction import slices


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.redaction.slices import Step


_CARD = re.compile(
    r"[0-9](?<![0-9A-Za-z].)(?<![0-9][.-].)"
    r"(?:[0-9]{12,18}"
    r"|[0-9]{3}([ .-])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,3})?"
    r"|[0-9]{3}([ .-])[0-9]{6}\2[0-9]{4,5})"
    r"(?![0-9A-Za-z]|[.-][0-9])"
)
"""
Digits in one piece, or in groups as cards have them: 4-4-4-4, 4-6-5 and 4-6-4.

It looks behind only once there is a digit: the engine skips what is none.
"""

_REACH = 64
"""Characters of the longest number, and of what must not follow it."""
_GATE = re.compile(
    r"[0-9]{2}(?:(?<=[A-Za-z]{2}[0-9]{2})[ -]?[0-9A-Za-z]{4}|[0-9]{2}[ .-]?[0-9]{4})"
)
"""What a text has that holds either number."""

_ISSUERS = re.compile(
    r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[689])|6(?:011|4[4-9]|5)"
    r"|35(?:2[89]|[3-8])|62|50|5[6-9]|6[0-9]"
)
_LENGTHS = {"4": (13, 16, 19), "34": (15,), "37": (15,), "36": (14,), "30": (14,), "38": (14, 16)}
_USUAL = (16, 17, 18, 19)
_IBAN = re.compile(
    r"[A-Za-z](?<![0-9A-Za-z].)[A-Za-z][0-9]{2}"
    r"(?:[0-9A-Za-z]{11,30}|(?:([ -])[0-9A-Za-z]{4})(?:\1[0-9A-Za-z]{4}){1,6}(?:\1[0-9A-Za-z]{1,4})?)"
    r"(?![0-9A-Za-z])"
)

_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
"""Length of an IBAN by country (ISO 13616, registry of 2025)."""


def may_hold_numbers(text: str, step: Step) -> bool:
    """Return whether *text* has what either number begins with."""
    return slices.find(_GATE, text, 0, reach=_REACH, step=step) is not None


def is_card(digits: str) -> bool:
    """Return whether *digits* are a card's: issuer, length and check digit (Luhn) are right."""
    if not 13 <= len(digits) <= 19 or not _ISSUERS.match(digits):  # noqa: PLR2004 - ISO/IEC 7812
        return False
    lengths = _LENGTHS.get(digits[:2]) or _LENGTHS.get(digits[0]) or _USUAL
    return len(digits) in lengths and _luhn(digits) and len(set(digits)) > 1


def _luhn(digits: str) -> bool:
    total = 0
    for position, char in enumerate(reversed(digits)):
        digit = int(char)
        if position % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2  # noqa: PLR2004 - the digit sum of its double
        total += digit
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Return whether *text*, without blanks, is an IBAN: length of its country, and mod 97."""
    text = text.upper()
    if _IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(char, 36)) for char in text[4:] + text[:4])) % 97 == 1


def redact_cards(text: str, mark: Callable[[str, str], str], step: Step) -> str:
    """Return *text* with the numbers of cards marked."""

    def replace(match: re.Match[str]) -> str:
        found = match.group()
        if is_card(_digits(found)):
            return mark("card_number", found)
        # The last group may be what stands beside the number, such as its security code.
        head, _, _ = found.rpartition(match.group(1) or "\0")
        return mark("card_number", found) if head and is_card(_digits(head)) else found

    return slices.replace(_CARD, text, replace, reach=_REACH, step=step)


def redact_ibans(text: str, mark: Callable[[str, str], str], step: Step) -> str:
    """Return *text* with the numbers of bank accounts marked."""

    def replace(match: re.Match[str]) -> str:
        found = match.group()
        length = _IBAN_LENGTHS.get(found[:2].upper(), 0)
        end = _end_of(found, length)
        if end is None or not is_iban(re.sub("[ -]", "", found[:end])):
            return found
        return mark("iban", found[:end]) + found[end:]

    return slices.replace(_IBAN, text, replace, reach=_REACH, step=step)


def _digits(text: str) -> str:
    return re.sub("[ .-]", "", text)


def _end_of(text: str, length: int) -> int | None:
    """Return where the first *length* characters that are no blanks end, None if it are fewer."""
    seen = 0
    for position, char in enumerate(text, 1):
        seen += char not in " -"
        if seen == length:
            return position
    return None
