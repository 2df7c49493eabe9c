"""How a workbook shows its numbers, as far as it changes what they say: dates, shares, codes with zeros in front."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial
from xml.etree import ElementTree

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

NumberText = Callable[[str], str]
"""What a cell shows of a number as it stands in the file."""

_CODE = re.compile(r'(?:"([^"]*)"|((?:\\.|[-A-Za-z])*?))(0{2,})')
"""A format of zeros: 00000 shows 123 as 00123; it may begin with letters of its own."""
_LONGEST_WHOLE = 1e21


def number_texts(stylesheet: ElementTree.Element, is_1904: bool) -> list[NumberText]:
    """For each style that a cell can have, how it shows a number. `stylesheet` is the root of `styles.xml`."""
    own = {
        element.get("numFmtId", ""): element.get("formatCode", "")
        for element in stylesheet.iterfind("{*}numFmts/{*}numFmt")
    }
    texts = []
    for element in stylesheet.iterfind("{*}cellXfs/{*}xf"):
        number = element.get("numFmtId", "0")
        code = own[number] if number in own else BUILTIN_FORMATS.get(int(number), "General")
        texts.append(_number_text(code, is_1904))
    return texts or [plain_number]


def plain_number(raw: str) -> str:
    """'1001.0' -> '1001', '19.989999999999998' -> '19.99': the 15 digits that a spreadsheet computes with."""
    if raw.isdigit():
        return raw
    try:
        number = float(raw)
        if number.is_integer() and abs(number) < _LONGEST_WHOLE:
            return str(int(number))
        return format(Decimal(format(number, ".15g")), "f")
    except (ValueError, OverflowError):  # no number after all, or one beyond all bounds
        return raw


def iso_date(text: str) -> str:
    """A date as ISO 8601 writes it, without the time where that is midnight."""
    return re.sub(r"T", " ", re.sub(r"T00:00(:00(\.0+)?)?Z?$", "", text), count=1)


def _number_text(code: str, is_1904: bool) -> NumberText:
    if is_date_format(code):
        return partial(_date, is_1904, bool(is_timedelta_format(code)))
    positive = code.split(";")[0]
    if positive.rstrip("_) ").endswith("%"):
        return _percent
    zeros = _CODE.fullmatch(positive)
    if zeros is not None:
        prefix = zeros[1] if zeros[1] is not None else zeros[2].replace("\\", "")
        return partial(_padded, prefix, len(zeros[3]))
    return plain_number


def _date(is_1904: bool, is_duration: bool, raw: str) -> str:
    try:
        moment = from_excel(float(raw), MAC_EPOCH if is_1904 else WINDOWS_EPOCH, timedelta=is_duration)
    except (ValueError, OverflowError):
        return raw
    return iso_date(moment.isoformat()) if isinstance(moment, datetime) else str(moment)


def _percent(raw: str) -> str:
    try:
        return plain_number(format(float(raw) * 100, ".15g")) + "%"
    except ValueError:
        return raw


def _padded(prefix: str, num_digits: int, raw: str) -> str:
    try:
        number = round(float(raw))
    except (ValueError, OverflowError):
        return raw
    return f"{prefix}{number:0{num_digits}d}" if number >= 0 else plain_number(raw)
