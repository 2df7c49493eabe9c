"""Words of a text as they are compared: without case, accents of typography, hyphens, plurals and HTML entities."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"\d+(?:[.,]\d+)*[^\W_]*|[^\W_]+(?:['’][^\W_]+)*", re.UNICODE)
_LETTERS = re.compile(r"[^\W_]+")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—−"), "-") | {ord("’"): "'", ord("`"): "'", ord("⁄"): "/"}
_IRREGULAR = {
    "men": "man", "women": "woman", "children": "child", "feet": "foot", "teeth": "tooth", "mice": "mouse",
    "geese": "goose", "knives": "knife", "lives": "life", "wives": "wife", "leaves": "leaf", "scarves": "scarf",
    "shelves": "shelf", "bookshelves": "bookshelf", "halves": "half", "calves": "calf", "wolves": "wolf", "loaves": "loaf",
    "elves": "elf", "hooves": "hoof", "penknives": "penknife", "lenses": "lens", "gases": "gas", "canvases": "canvas",
    "irises": "iris", "atlases": "atlas", "quizzes": "quiz", "topazes": "topaz", "chillies": "chilli", "chilies": "chili",
}  # fmt: skip
_INVARIANT = frozenset({"lens", "series", "species", "is", "this", "plus", "us", "as", "gas", "bus", "yes", "news", "has",
    "canvas", "iris", "atlas", "christmas"})  # fmt: skip
# English doesn't say by its letters whether "ies" was "y" or "ie", "ches" "ch" or "che", "oes" "o" or "oe", nor which
# words in "is" and "us" are plurals.
_NOUNS_IN_IE = """hoodie beanie cookie brownie movie onesie selfie smoothie necktie bowtie scrunchie veggie pixie genie
zombie rookie goalie birdie collie bootie nightie calorie prairie magpie goodie foodie freebie auntie sweetie eyrie rotisserie
patisserie lingerie budgie"""
_NOUNS_IN_CHE = "cache niche ache headache quiche brioche moustache mustache tranche pastiche creche"
_NOUNS_IN_OE = "shoe horseshoe overshoe snowshoe toe tiptoe hoe canoe oboe foe doe aloe floe roe"
_NOUNS_IN_XE = "axe pickaxe"
_NOUNS_IN_I_OR_U = """bikini tankini monokini burkini trikini taxi sari kiwi ski mini midi maxi panini zucchini martini jacuzzi
safari salami menu tutu emu guru bayou"""
_WHOLE_BEFORE_S = frozenset(f"{_NOUNS_IN_IE} {_NOUNS_IN_CHE} {_NOUNS_IN_OE} {_NOUNS_IN_XE} {_NOUNS_IN_I_OR_U}".split())
_ES_ENDINGS = ("sses", "shes", "ches", "xes", "tzes")
_PLURAL = {singular: plural for plural, singular in _IRREGULAR.items()}
_VULGAR = re.compile(r"(\d?)([¼-¾⅐-⅞])")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Letters of scripts that put no space between words."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word's comparable form and where it stands in the text."""

    form: str
    start: int
    end: int


def unescaped(text: str) -> str:
    """The text with HTML entities read (twice, as exports like to escape) and its hyphens and quotes made plain."""
    if "&" in text:
        text = html.unescape(html.unescape(text))
    # NFKC alone would make "81⁄2" of "8½", and a blank with an accent of the "´" that stands for feet and minutes.
    text = _VULGAR.sub(lambda match: f"{match[1]} {match[2]}" if match[1] else match[2], text).replace("´", "'")
    return unicodedata.normalize("NFKC", text).translate(_DASHES)


def words(text: str) -> Iterator[Word]:
    """The words of a text that went through `unescaped`."""
    for match in _WORD.finditer(text):
        yield Word(singular(match[0].casefold()), match.start(), match.end())


def key(text: str) -> str:
    """Two texts with the same key are the same words: "T-Shirts" and "t shirt" are, "10" and "1 0" aren't."""
    return join([word.form for word in words(unescaped(text))])


def join(forms: list[str]) -> str:
    """Words run together, with a mark only between two digits, so that "quick dry" is "quickdry" but "1 2" isn't "12"."""
    joined = ""
    for form in forms:
        joined += " " + form if joined[-1:].isdigit() and form[:1].isdigit() else form
    return joined


def is_unspaced(text: str) -> bool:
    """Whether the text has letters of a script that puts no space between words."""
    return _UNSPACED.search(text) is not None


@lru_cache(maxsize=65536)
def singular(word: str) -> str:
    """The singular of an English plural or genitive, in small letters; any other word as it is."""
    word = word.removesuffix("'s").rstrip("'")
    if word[:1].isdigit():  # 5'3 isn't 53
        return word
    word = word.replace("'", "")
    if not word.isascii() or len(word) < 3 or word in _INVARIANT:
        return word
    if word.endswith("s") and word[:-1] in _IRREGULAR:
        word = word[:-1]
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("s") and word[:-1] in _WHOLE_BEFORE_S:
        return word[:-1]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(_ES_ENDINGS):
        return word[:-2]
    if word.endswith("oes") and len(word) > 4:
        return word[:-2]
    if word.endswith("uses") and not word.endswith(("ouses", "fuses", "muses", "cuses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


# `stem` cuts more than `singular` does ("bikinis", but "bonus" too). The questions that nano was trained on, and the scores of
# PumBench, depend on what it cuts; duplicates and curation depend on words that `singular` leaves whole. So there are two.
@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A word's form for comparison: small letters, no possessive, no plural. Good enough for product names."""
    word = re.sub(r"['’`]s?$", "", word.lower())
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def stems(text: str) -> list[str]:
    """The stems of a text's words."""
    return [stem(word) for word in _LETTERS.findall(text)]


def plural(word: str) -> str:
    """The plural of an English word, in the word's own letters."""
    folded = word.casefold()
    if folded in _PLURAL:
        return word[:1] + _PLURAL[folded][1:]
    if folded.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if folded.endswith("y") and folded[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"
