"""What a text costs, without a server."""

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("text", "words", "encoding", "parts"),
    [
        ("Hello", (), "gsm7", 1),
        ("x" * 161, (), "gsm7", 2),
        ("Order ✅", (), "ucs2", 1),
        ("“Hello”", (), "ucs2", 1),
        ("“Hello”", ("--smart",), "gsm7", 1),
    ],
)
def test_encoding_and_parts_are_shown(run: Run, text: str, words: tuple[str, ...], encoding: str, parts: int) -> None:
    found = run("segments", text, *words, "--json").data
    assert (found["encoding"], found["segments"], len(found["parts"])) == (encoding, parts, parts)
    told = run("segments", text, *words).out
    assert f"encoding    {encoding}" in told


def test_the_culprit_is_named(run: Run) -> None:
    assert "U+2705 WHITE HEAVY CHECK MARK" in run("segments", "Order ✅").out
    (culprit,) = run("segments", "Order ✅", "--json").data["forced_by"]
    assert (culprit["position"], culprit["character"]) == (6, "✅")


@pytest.mark.parametrize(
    ("words", "told"),
    [(("a\x07b",), "U+0007 at position 1"), (("Ğ", "--national", "klingon"), "'klingon' has no tables")],
)
def test_what_phones_can_not_show_is_refused(run: Run, words: tuple[str, ...], told: str) -> None:
    done = run("segments", *words)
    assert (done.code, told in done.err) == (1, True), done.err
