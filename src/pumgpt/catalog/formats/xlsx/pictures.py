"""The pictures of a sheet, by the cells that they lie on or stand in.

Excel has three kinds: those that float, anchored to a cell; those placed in a cell, which the cell names by a number of the
workbook's metadata ([MS-XLSX], 2.3.6); and those of WPS, which a formula names: DISPIMG("ID_...").
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cached_property

from pumgpt.catalog.formats.xlsx.package import Relation, reference
from pumgpt.catalog.formats.xlsx.sheet import Sheet, SheetCell
from pumgpt.catalog.product import ImageRef

_CELL_IMAGES = "xl/cellimages.xml"
_WPS_FORMULA = re.compile(r'DISPIMG\(\s*"([^"]+)"', re.IGNORECASE)


class Pictures:
    """The pictures of one sheet."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet, self._package = sheet, sheet.package

    def floating(self, row: int) -> list[ImageRef]:
        """Those whose upper left corner lies in a row, from left to right."""
        return [ref for relation in self._anchored.get(row, ()) for ref in self._open(relation)]

    def has_floating(self, row: int) -> bool:
        return row in self._anchored

    def is_picture(self, cell: SheetCell) -> bool:
        """Whether a picture of the file is all that a cell holds."""
        return bool(cell.picture and cell.picture in self._by_metadata) or bool(
            cell.formula and _WPS_FORMULA.search(cell.formula)
        )

    def in_cell(self, cell: SheetCell) -> list[ImageRef]:
        """The picture that stands in a cell; none where there is none."""
        named = _WPS_FORMULA.search(cell.formula) if cell.formula else None
        if named is not None:
            return self._open(self._by_formula.get(named[1]))
        return self._open(self._by_metadata.get(cell.picture)) if cell.picture else []

    def _open(self, relation: Relation | None) -> list[ImageRef]:
        if relation is None:
            return []
        if relation.is_external:
            return [ImageRef(url=relation.target)]
        if not self._package.has(relation.target):
            return []
        with self._package.reading():
            return [ImageRef(data=self._package.read(relation.target), path=None)]

    @cached_property
    def _anchored(self) -> dict[int, list[Relation]]:
        drawing = self._package.related(self._sheet.entry.part, "drawing")
        placed: dict[int, list[tuple[int, Relation]]] = defaultdict(list)
        relations = self._package.relations(drawing) if drawing is not None else {}
        for anchor in self._package.xml(drawing):
            row, column = (anchor.findtext(f"{{*}}from/{{*}}{name}") for name in ("row", "col"))
            if row is None or column is None:  # placed on the page, not on a cell
                continue
            for blip in anchor.iterfind(".//{*}pic//{*}blip"):
                relation = relations.get(reference(blip, "embed") or reference(blip, "link") or "")
                if relation is not None:
                    placed[int(row) + 1].append((int(column), relation))
        return {
            row: [relation for _, relation in sorted(found, key=lambda pair: pair[0])] for row, found in placed.items()
        }

    @cached_property
    def _by_formula(self) -> dict[str, Relation]:
        package, found = self._package, {}
        relations = package.relations(_CELL_IMAGES)
        for picture in package.xml(_CELL_IMAGES).iterfind(".//{*}pic"):
            name, blip = picture.find(".//{*}cNvPr"), picture.find(".//{*}blip")
            relation = relations.get(reference(blip, "embed") or "") if blip is not None else None
            if name is not None and relation is not None:
                found[name.get("name", "")] = relation
        return found

    @cached_property
    def _by_metadata(self) -> dict[int, Relation]:
        """A cell's number -> value metadata -> rich value -> its place in the list of pictures -> the picture."""
        package, workbook = self._package, self._package.workbook
        metadata = package.xml(package.related(workbook, "sheetMetadata"))
        values = package.xml(package.related(workbook, "rdRichValue")).findall("{*}rv")
        structures = package.xml(package.related(workbook, "rdRichValueStructure")).findall("{*}s")
        list_part = package.related(workbook, "richValueRel")
        listed = [reference(element, "id") for element in package.xml(list_part).iterfind("{*}rel")]
        relations = package.relations(list_part) if list_part is not None else {}
        rich = [
            int(element.get("i", 0))
            for block in metadata.iterfind("{*}futureMetadata[@name='XLRICHVALUE']/{*}bk")
            for element in block.iterfind(".//{*}rvb")
        ]
        found: dict[int, Relation] = {}
        for number, record in enumerate(metadata.iterfind("{*}valueMetadata/{*}bk/{*}rc"), start=1):
            try:
                value = values[rich[int(record.get("v", 0))]]
                keys = [key.get("n") for key in structures[int(value.get("s", 0))].iterfind("{*}k")]
                place = int(value.findall("{*}v")[keys.index("_rvRel:LocalImageIdentifier")].text or 0)
                found[number] = relations[listed[place] or ""]
            except (IndexError, KeyError, ValueError):  # a stock, a map, a picture from the web: no picture of the file
                continue
        return found
