"""The reference pages say what the code says."""

import pytest

from docs.generate import FOLDER, pages


@pytest.mark.parametrize("name", pages())
def test_a_reference_page_is_what_make_docs_writes(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == pages()[name], "run `make docs`"


def test_no_page_is_left_over() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {name for name in pages() if "/" not in name}
