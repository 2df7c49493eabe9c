"""Arrow's types by what they hold, whichever of its several layouts an engine chose."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from pyarrow import types

Replace = Callable[[pa.DataType], pa.DataType]


def is_text(kind: pa.DataType) -> bool:
    """Text is a large string in files of pandas and polars, and a dictionary of strings where it is a category."""
    if types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def is_list(kind: pa.DataType) -> bool:
    checks = (
        types.is_list,
        types.is_large_list,
        types.is_fixed_size_list,
        types.is_list_view,
        types.is_large_list_view,
    )
    return any(check(kind) for check in checks)


def is_json(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.BaseExtensionType) and kind.extension_name == "arrow.json"


def replace_types(kind: pa.DataType, replace: Replace) -> pa.DataType:
    """`kind` with `replace` applied to every type that it is made of, and in the end to the whole."""
    if is_list(kind):
        item = kind.value_field.with_type(replace_types(kind.value_type, replace))
        if types.is_fixed_size_list(kind):
            kind = pa.list_(item, kind.list_size)
        elif types.is_large_list(kind):
            kind = pa.large_list(item)
        elif types.is_list_view(kind):
            kind = pa.list_view(item)
        elif types.is_large_list_view(kind):
            kind = pa.large_list_view(item)
        else:
            kind = pa.list_(item)
    elif types.is_struct(kind):
        kind = pa.struct([field.with_type(replace_types(field.type, replace)) for field in kind])
    elif types.is_map(kind):
        key, item = (replace_types(part, replace) for part in (kind.key_type, kind.item_type))
        kind = pa.map_(key, kind.item_field.with_type(item), kind.keys_sorted)
    return replace(kind)
