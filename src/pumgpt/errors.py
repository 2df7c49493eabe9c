"""Every exception that PumGPT raises on purpose, drawn once.

A message is one line that says what is wrong, where, and how to mend it. The command line prints it and exits 1
(`PumGPTError`) or 2 (`UsageError`); in a batch it becomes the `error` of a rejected row.

    PumGPTError
    +-- UsageError           the call itself is wrong: an unknown option, task, attribute
    +-- CatalogError         a file or a row of a catalogue
    |   +-- PhotoError       one photo
    |   +-- SchemaError      an attribute schema or a taxonomy
    +-- ModelError           a checkpoint or a part of one
    |   +-- InjectionError   a language model whose layers we can't inject into
    +-- RecipeError          a training recipe
    +-- BackendError         a model behind the backend protocol did not answer
"""

from __future__ import annotations


class PumGPTError(Exception):
    """Base of all errors that PumGPT raises on purpose; `str(error)` is one line."""


class UsageError(PumGPTError):
    """The call itself is wrong."""


class CatalogError(PumGPTError):
    """A catalogue file, or a row of it, can't be used."""


class PhotoError(CatalogError):
    """One photo can't be used."""


class SchemaError(CatalogError):
    """An attribute schema or a taxonomy can't be used."""


class ModelError(PumGPTError):
    """A checkpoint, or a part of one, can't be used."""


class InjectionError(ModelError):
    """The language model has layers that visual tokens can't be injected into."""


class RecipeError(PumGPTError):
    """A training recipe can't be used."""


class BackendError(PumGPTError):
    """A model behind the backend protocol did not give a usable answer."""


def first_line(error: BaseException) -> str:
    """What a message of ours may quote of somebody else's error: its first line, or its type where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
