"""The page that every problem's `type` leads to: each code, what it is, and what to do about it."""

from functools import cache
from html import escape

from heliograph.api.catalogue import CATALOGUE

PLACE = "/docs/errors"


@cache
def page() -> bytes:
    rows = "".join(
        f'<tr id="{code}"><td>{code}</td><td>{escape(entry.title)}</td><td>{escape(entry.remedy)}</td></tr>\n'
        for code, entry in CATALOGUE.items()
    )
    return _PAGE.replace("ROWS", rows).encode()


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Heliograph API: errors</title>
<link rel="stylesheet" href="/docs/docs.css">
<header><h1>Errors</h1><p>A refused request is answered with <code>application/problem+json</code>; nothing of it was
kept. <code>code</code> is stable, <code>errors[].pointer</code> names each field. <a href="/docs">API</a></p></header>
<main id="errors"><table>
<thead><tr><th scope="col">Code</th><th scope="col">What it is</th><th scope="col">What to do</th></tr></thead>
<tbody>
ROWS</tbody></table></main>
</html>
"""
