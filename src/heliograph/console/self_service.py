"""What every visitor may do: look at another environment, choose light or dark."""

from typing import Final

from heliograph.console.page import Page
from heliograph.console.visit import Answer, Gone, Visit, refuse
from heliograph.engine.users import sessions

THEME: Final = "hg_theme"
THEMES: Final = ("light", "dark", "")


async def look_at(visit: Visit) -> Answer:
    """Another environment. The session gets another token, so a page left open in the old one changes nothing."""
    name = visit.form.get("environment")
    token = await sessions.look_at(visit.means.ledger, visit.session, name)
    return visit.go(_back(visit), f"You are looking at {name} now.", token=token)


async def choose_theme(visit: Visit) -> Answer:
    theme = visit.form.get("theme")
    if theme not in THEMES:
        raise refuse("unknown_theme", "There is light, dark, and what the system has.")
    return Gone(_back(visit), cookies=((THEME, theme),))


def _back(visit: Visit) -> str:
    """The page that the form was on, if it is one of ours."""
    back = visit.form.get("back")
    return back if back.startswith("/console/") and back.isascii() and back.isprintable() else "/console"


PAGES: Final = (
    Page("POST", "/console/environment", look_at, None),
    Page("POST", "/console/theme", choose_theme, None),
)
