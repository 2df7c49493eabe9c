"""A catalogue's profile in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pumgpt.catalog.formats.column_map import ROW_NUMBER, describe
from pumgpt.catalog.profile import CatalogProfile, ProfiledPhoto, ProfiledRow

STATE_STYLES = {"found": "green", "missing": "red", "url": "blue", "embedded": "green"}
MAX_PHOTOS = 4
MAX_COLUMNS = 12
MAX_TEXT_CHARS = 120


def view(profile: CatalogProfile, told: str | None = None) -> RenderableType:
    """What the file is, its columns, the first rows, and what is missing; `told`: which categories a model can tell."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column(overflow="fold")
    for rows in (_file(profile), _columns(profile), _counts(profile), _rejected(profile)):
        for label, content in rows:
            table.add_row(label, Text(content))
    if told is not None:
        table.add_row("", Text(told))
    for warning in profile.warnings:
        if describe(profile.fields) not in warning:  # it stands above, column by column
            table.add_row("note", Text(warning.removeprefix(f"{profile.path}: "), style="yellow"))
    return Group(table, *(_example(row) for row in profile.examples))


def _file(profile: CatalogProfile) -> Iterator[tuple[str, str]]:
    yield "file", str(profile.path)
    layout = (f"{name} {text}" for name, text in profile.layout.items())
    yield "format", ", ".join((profile.format, *layout))


def _columns(profile: CatalogProfile) -> Iterator[tuple[str, str]]:
    label = "reads"
    for field, column in profile.fields.items():
        source = "the number of the row" if column == ROW_NUMBER else column
        yield label, source if field == column else f"{field}: {source}"
        label = ""
    if profile.attributes_from:
        yield "", f"attributes: {_shortened(profile.attributes_from)}"
    if profile.carried:
        yield "carries", f"{_shortened(profile.carried)} (not read, written again as they are)"
    yield "fills", _fills(profile)


def _fills(profile: CatalogProfile) -> str:
    own: dict[str, str] = dict(profile.fills.attributes)
    if profile.fills.category is not None:
        own = {"category": profile.fills.category, **own}
    if profile.fills.other_attributes is not None:
        own["other attributes" if profile.fills.attributes else "attributes"] = profile.fills.other_attributes
    places = [f"{field} in {column}" for field, column in own.items()]
    return f"{_shortened(places)}, where empty; all answers in pumgpt_* columns" if places else "pumgpt_* columns"


def _counts(profile: CatalogProfile) -> Iterator[tuple[str, str]]:
    sample = f"all {profile.rows:,}" if profile.complete else f"the first {profile.rows:,} (all counts are of these)"
    yield "rows", f"{sample}: {profile.usable:,} can be used"
    lacking = {name: profile.lacking[name] for name in ("photo", "title", "category")}
    missing = [f"{count:,} without a {name}" for name, count in lacking.items() if count]
    if missing:
        yield "", ", ".join(missing)
    if profile.without_good_photo:
        yield "", f"{profile.without_good_photo:,} would be set aside: no file of their photos is there"
    if profile.num_rejected:
        yield "", f"{profile.num_rejected:,} would be set aside: they can't be read"
    yield "photos", _photos(profile.photos)
    if profile.known_categories is not None:
        with_category = profile.usable + profile.without_good_photo - profile.lacking["category"]
        unknown = f"; not: {'; '.join(profile.unknown_categories)}" if profile.unknown_categories else ""
        yield "taxonomy", f"has the categories of {profile.known_categories:,} of {with_category:,} rows{unknown}"


def _photos(photos: Mapping[str, int]) -> str:
    words = {
        "found": "found",
        "missing": "missing",
        "url": "by URL (not fetched here)",
        "embedded": "in the file itself",
    }
    return ", ".join(f"{photos[state]:,} {text}" for state, text in words.items() if photos[state]) or "none"


def _rejected(profile: CatalogProfile) -> Iterator[tuple[str, str]]:
    label = "set aside"
    for row in profile.rejected:
        name = "" if row.id is None else f" (id {row.id})"
        yield label, f"row {row.row}{name}: {row.error}"
        label = ""


def _example(row: ProfiledRow) -> RenderableType:
    product = row.product
    title = Text(product.title or "no title", style="bold" if product.title else "red")
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bright_black", no_wrap=True)
    table.add_column(overflow="fold")
    if product.description:
        table.add_row("  description", Text(_cut(product.description)))
    table.add_row("  photos", _photo_names(row.photos))
    table.add_row("  category", Text(" > ".join(product.category)) if product.category else Text("none", "red"))
    for name, value in (product.attributes or {}).items():
        table.add_row(f"  {_cut(name, 20)}", Text(_cut(value if isinstance(value, str) else ", ".join(value))))
    heading = Text.assemble("\n", (f"row {row.row}", "bright_black"), f"  {product.id}  ", title)
    return Group(heading, table)


def _photo_names(photos: tuple[ProfiledPhoto, ...]) -> Text:
    shown = Text("" if photos else "none", style="" if photos else "red")
    for place, photo in enumerate(photos[:MAX_PHOTOS]):
        shown.append("\n" if place else "")
        shown.append(f"{_cut(photo.name)} ")
        shown.append(photo.state if photo.state != "url" else "URL", STATE_STYLES[photo.state])
    if len(photos) > MAX_PHOTOS:
        shown.append(f"\nand {len(photos) - MAX_PHOTOS} more")
    return shown


def _shortened(names: list[str]) -> str:
    rest = len(names) - MAX_COLUMNS
    return ", ".join(names[:MAX_COLUMNS]) + (f" and {rest} more" if rest > 0 else "")


def _cut(text: str, most: int = MAX_TEXT_CHARS) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
