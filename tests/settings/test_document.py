"""The lines of keys in a file, so that every complaint can name its place."""

from pathlib import Path

import pytest

from heliograph.settings.document import parse

TEXT = '''\
title = "x"
[server]
# listen = "commented out"
listen = "127.0.0.1:1"   # with a comment
"quoted key" = 1
dotted.key = 2

[connectors.telco]
kind = "smpp"
note = """
kind = "inside a text"
[server]
"""
[connectors."two words"]
kind = "sandbox"
[[routes]]
name = "first"
[[routes]]
name = "second"
match = { country = "GB" }
'''


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("title",), 1),
        (("server",), 2),
        (("server", "listen"), 4),
        (("server", "quoted key"), 5),
        (("server", "dotted", "key"), 6),
        (("connectors",), 8),
        (("connectors", "telco", "kind"), 9),
        (("connectors", "two words", "kind"), 15),
        (("routes", 0, "name"), 17),
        (("routes", 1, "name"), 19),
        (("routes", 1, "match", "country"), 20),
        (("routes", 1, "nothing"), 18),
    ],
)
def test_a_key_or_what_is_around_it_has_its_line(tmp_path: Path, keys: tuple[str | int, ...], line: int) -> None:
    path = tmp_path / "x.toml"
    path.write_text(TEXT)
    document = parse(path)
    assert document.place(*keys) == f"{path}:{line}"
    assert document.place_of("/" + "/".join(map(str, keys))) == f"{path}:{line}"


def test_what_is_nowhere_has_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(TEXT)
    assert parse(path).place("nowhere") == str(path)
