"""Settings of the process: one tree, each field with its default, its help and its check.

They come from `heliograph.toml`, then from `HELIOGRAPH_*` variables, then from flags: the last one wins. Whatever is
wrong is reported at once, with its place and with what would be right; a value is never repeated, it may be a secret.
Declared objects (connectors, routes, senders, endpoints) may stand in the same file and are kept as they are.
"""

from heliograph.settings.document import BadSettings, Document, Problem
from heliograph.settings.loading import load, read
from heliograph.settings.secrets import BadSecret, resolve_secret
from heliograph.settings.tree import DECLARED, SECTIONS, Settings

__all__ = [
    "DECLARED",
    "SECTIONS",
    "BadSecret",
    "BadSettings",
    "Document",
    "Problem",
    "Settings",
    "load",
    "read",
    "resolve_secret",
]
