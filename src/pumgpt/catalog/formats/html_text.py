"""The words of an HTML description, as a reader of the page would see them."""

from __future__ import annotations

from html.parser import HTMLParser

_BLOCKS = "address article blockquote br dd div dl dt figure h1 h2 h3 h4 h5 h6 hr ol p pre section table tr ul"
_BREAKS = frozenset(_BLOCKS.split())
_SILENT = frozenset(("script", "style", "template"))


def plain_text(markup: str) -> str:
    """The text without tags: one line for each block, '- ' before list items, runs of blanks made one.

    A text without any tag or entity comes back with its blanks tidied only.
    """
    parser = _TextExtractor()
    parser.feed(markup)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line not in ("", "-"))


class _TextExtractor(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in _BREAKS:
            self.parts.append("\n")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag in ("td", "th"):
            self.parts.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0
        if tag in _BREAKS or tag == "li":
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)
