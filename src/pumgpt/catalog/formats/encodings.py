"""Which encoding a text has that isn't UTF-8: what old shop systems and spreadsheets write in the language of their owner."""

from __future__ import annotations

import codecs

WESTERN = "cp1252"
_LEAST_BYTES = 8
"""Of fewer bytes beyond ASCII nothing can be told."""
_LEAST_LATIN_BYTES = 16
"""Two Latin alphabets share most letters, so that one is told from the other by more of them."""
_NAMES = {
    "cp1252": "Windows-1252 (Western European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8-r": "KOI8-R (Cyrillic)",
    "koi8-u": "KOI8-U (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "iso8859-7": "ISO 8859-7 (Greek)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp874": "Windows-874 (Thai)",
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "big5hkscs": "Big5 (Chinese)",
    "cp932": "Shift JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "cp949": "Windows-949 (Korean)",
    "cp1250": "Windows-1250 (Central European)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1257": "Windows-1257 (Baltic)",
}
_LATIN = frozenset(("cp1250", "cp1254", "cp1257"))
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949"}
"""Encoding -> the one that has all of its letters and more."""


def detect_encoding(sample: bytes) -> str:
    """Python's name for the encoding of a text that isn't UTF-8; Western European where another can't be told.

    Found by the `chardet` library, of whose answers only those count that shops' files have.
    """
    num_foreign = sum(byte > 127 for byte in sample)
    if num_foreign < _LEAST_BYTES:
        return WESTERN
    import chardet  # few files need it

    found = chardet.detect(sample)["encoding"]
    try:
        name = codecs.lookup(found or WESTERN).name
    except LookupError:
        return WESTERN
    name = _WIDER.get(name, name)
    is_known = name in _NAMES and (name not in _LATIN or num_foreign >= _LEAST_LATIN_BYTES)
    return name if is_known else WESTERN


def encoding_name(encoding: str) -> str:
    """What people call an encoding that `detect_encoding` gives."""
    return _NAMES[encoding]
