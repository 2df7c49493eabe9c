"""Models that answer questions about products, behind one protocol."""

from pumgpt.backends.registry import LoadOptions, register

__all__ = ["LoadOptions", "register"]
