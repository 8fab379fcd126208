"""Money: counted in minor units, with its currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from otel_flow.measure.recording import Instrument
from otel_flow.names.measure import CURRENCY
from otel_flow.names.model import Metric


_DIGITS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Decimal digits of the currencies that do not have two (ISO 4217, list one)."""

_counters: dict[str, Instrument] = {}


def minor_units(amount: Decimal | int | str, currency: str) -> int:
    """
    Return *amount* of *currency* in its minor unit: 19.99 USD are 1999, 500 JPY are 500.

    Raises `ValueError` for a fraction of a minor unit and `TypeError` for a float, whose
    digits are not what was written.
    """
    if isinstance(amount, float):
        raise TypeError("money is a Decimal, an int or a str; a float has other digits")
    scaled = Decimal(amount).scaleb(_DIGITS.get(currency.upper(), 2))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} {currency} has a fraction of a minor unit")
    return int(scaled)


def count_money(name: str, minor: int, currency: str, **attributes: Any) -> None:
    """
    Add *minor* units of *currency* to the counter *name*, such as ``app.payments.amount``.

    The unit is ``{minor_unit}`` and the currency an attribute, because a sum over currencies
    means nothing and a unit of ``USD`` would end up in the metric's name. Use `minor_units`
    to convert. What is paid back belongs into a counter of its own: counters only grow.
    """
    counter = _counters.get(name)
    if counter is None:
        counter = _counters[name] = Instrument(
            Metric(
                name=name,
                unit="{minor_unit}",
                instrument="counter",
                brief="Money in minor units, by currency.",
                stability="otel_flow",
            )
        )
    counter.record(minor, {CURRENCY.name: currency.upper(), **attributes})
