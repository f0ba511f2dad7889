"""Message templates: a text with placeholders and nothing else that could run.

`compile_text` reads a text once; what it gives renders it with values. docs/templates.md shows what can be written.
"""

from heliograph.core.templates.locales import nearest, normalise
from heliograph.core.templates.sizes import Limit, Sizes, sizes
from heliograph.core.templates.template import NAME, Place, Spec, Template, read, wrong
from heliograph.core.templates.text import BadTemplate, BadValue, MissingVariable, Placeholder, Text, compile_text
from heliograph.core.templates.variables import Variable

__all__ = [
    "NAME",
    "BadTemplate",
    "BadValue",
    "Limit",
    "MissingVariable",
    "Place",
    "Placeholder",
    "Sizes",
    "Spec",
    "Template",
    "Text",
    "Variable",
    "compile_text",
    "nearest",
    "normalise",
    "read",
    "sizes",
    "wrong",
]
