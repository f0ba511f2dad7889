"""Message templates: a text with placeholders and nothing else that could run.

`compile_text` reads a text once; what it gives renders it with values. docs/templates.md shows what can be written.
"""

from heliograph.core.templates.locales import nearest, normalise
from heliograph.core.templates.text import BadTemplate, BadValue, MissingVariable, Placeholder, Text, compile_text

__all__ = [
    "BadTemplate",
    "BadValue",
    "MissingVariable",
    "Placeholder",
    "Text",
    "compile_text",
    "nearest",
    "normalise",
]
