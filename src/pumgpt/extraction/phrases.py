"""Many phrases found in a text in one pass over its words, whatever their capitals, hyphens and plurals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from pumgpt.catalog.vocabulary.words import is_unspaced, join, key
from pumgpt.extraction.mentions import Text

Meaning = TypeVar("Meaning")


class PhraseIndex(Generic[Meaning]):
    """Phrases with what they mean. Of two phrases that are the same words the first counts."""

    def __init__(self, phrases: Iterable[tuple[str, Meaning]]) -> None:
        self._phrases: dict[str, tuple[str, Meaning]] = {}
        self._unspaced: dict[str, tuple[str, Meaning]] = {}
        for phrase, meaning in phrases:
            table, entry = (self._unspaced, phrase) if is_unspaced(phrase) else (self._phrases, key(phrase))
            if entry:
                table.setdefault(entry, (phrase, meaning))
        # Words are joined before they are compared ("quick-dry" is "quickdry"), so any beginning may end at a word.
        self._beginnings = frozenset(entry[:end] for entry in self._phrases for end in range(1, len(entry) + 1))
        alternatives = sorted(map(re.escape, self._unspaced), key=len, reverse=True)
        self._pattern = re.compile("|".join(alternatives)) if alternatives else None

    def find(self, text: Text) -> Iterator[tuple[int, int, str, Meaning]]:
        """(start, end, phrase, meaning) of each phrase in the text; of overlapping ones the leftmost, then the longest."""
        words, place = text.words, 0
        while place < len(words):
            forms, longest = [], None
            for last in range(place, len(words)):
                forms.append(words[last].form)
                joined = join(forms)
                if joined not in self._beginnings:
                    break
                if joined in self._phrases:
                    longest = (last, *self._phrases[joined])
            if longest is None:
                place += 1
                continue
            last, phrase, meaning = longest
            yield words[place].start, words[last].end, phrase, meaning
            place = last + 1
        # Scripts such as Chinese have no word boundaries to respect.
        if self._pattern is not None:
            for match in self._pattern.finditer(text.text):
                yield match.start(), match.end(), *self._unspaced[match[0]]
