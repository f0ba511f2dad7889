"""Forms with files, as browsers send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.api.multipart import boundary_of, read_parts

BOUNDARY = b"----WebKitFormBoundaryx7"


def form(parts: list[tuple[str, str | None, bytes]]) -> bytes:
    """(field, file name, content) as a browser writes them."""
    body = b""
    for field, file, content in parts:
        name = b"" if file is None else b'; filename="%b"\r\nContent-Type: text/csv' % file.encode()
        head = b'Content-Disposition: form-data; name="%b"%b' % (field.encode(), name)
        body += b"--%b\r\n%b\r\n\r\n%b\r\n" % (BOUNDARY, head, content)
    return body + b"--%b--\r\n" % BOUNDARY


@given(st.binary().filter(lambda content: BOUNDARY not in content), st.text().filter(lambda text: "\r" not in text))
def test_what_was_sent_is_what_is_read(content: bytes, text: str) -> None:
    body = form([("do", None, text.encode("utf-8", "replace")), ("file", "a.csv", content), ("do", None, b"again")])
    found = read_parts(body, BOUNDARY)
    assert found.files == {"file": content}
    assert found.fields == [("do", text.encode("utf-8", "replace").decode()), ("do", "again")]


def test_a_file_that_was_not_chosen_is_not_there() -> None:
    assert read_parts(form([("file", "", b"")]), BOUNDARY).files == {}


@given(st.binary())
def test_what_is_no_form_breaks_nothing(body: bytes) -> None:
    read_parts(body, BOUNDARY)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        (b"multipart/form-data; boundary=abc", b"abc"),
        (b'Multipart/Form-Data; charset=utf-8; boundary="a b"', b"a b"),
        (b'multipart/form-data; boundary="a-b"', b"a-b"),
        (b"application/x-www-form-urlencoded", None),
        (b"multipart/form-data", None),
    ],
)
def test_the_boundary_is_found(content_type: bytes, boundary: bytes | None) -> None:
    assert boundary_of({"headers": [(b"content-type", content_type)]}) == boundary
