"""A workspace's teams and prepared answers, and what follows from them for a conversation."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.core import hours
from heliograph.core.channels.email import is_email
from heliograph.core.failures import Refusal
from heliograph.core.hours import Hours
from heliograph.core.spans import read_span

OPEN: Final = "open"  # the person waits for an answer
WAITING: Final = "waiting"  # we answered, and wait for the person
CLOSED: Final = "closed"  # until the person writes again
STATES: Final = (OPEN, WAITING, CLOSED)
_NEVER: Final = 1 << 52

_Name = Annotated[str, Meta(min_length=1, max_length=64)]
_Text = Annotated[str, Meta(min_length=1, max_length=1_000)]


class Team(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """People who answer: when they are there, what is said when they are not, and how soon they answer."""

    hours: Hours | None = None  # always
    out_of_office: _Text | None = None
    first_answer_within: str | None = None  # of the time in which they are there
    escalate_to: str | None = None  # an e-mail address that is written to when nobody answered in time


class ConversationPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers: `[policies.conversations]`."""

    teams: dict[_Name, Team] = {}
    default_team: _Name | None = None
    canned: dict[_Name, _Text] = {}

    def wrong(self) -> list[Refusal]:
        """What the types can't say."""
        found: list[Refusal] = []
        for name, team in self.teams.items():
            if team.hours is not None:
                found += team.hours.wrong(f"/teams/{name}/hours")
            if team.first_answer_within is not None:
                span = read_span(team.first_answer_within)
                if isinstance(span, Refusal):
                    found.append(msgspec.structs.replace(span, pointer=f"/teams/{name}/first_answer_within"))
            if team.escalate_to is not None and not is_email(team.escalate_to):
                detail = f"{team.escalate_to[:60]!r} is not an e-mail address, such as lead@example.com"
                found.append(Refusal("bad_address", detail, f"/teams/{name}/escalate_to"))
        if self.default_team is not None and self.default_team not in self.teams:
            detail = f"{self.default_team!r} is not one of the teams: {', '.join(self.teams) or 'there are none'}"
            found.append(Refusal("unknown_team", detail, "/default_team"))
        return found

    def escalates_at(self, team: str | None, asked_at: int) -> int | None:
        """When somebody who asked then has waited too long for this team; None: nobody promised anything."""
        theirs = self.teams.get(team or "")
        if theirs is None or theirs.first_answer_within is None:
            return None
        span = read_span(theirs.first_answer_within)
        assert isinstance(span, int)
        return asked_at + span if theirs.hours is None else hours.passed(theirs.hours, asked_at, span)

    def away(self, team: str | None, at: int) -> tuple[str, int] | None:
        """What is said while nobody of the team is there, and until when that is so; None: they are there."""
        theirs = self.teams.get(team or "")
        if theirs is None or theirs.hours is None or theirs.out_of_office is None:
            return None
        opens = hours.opens_after(theirs.hours, at)
        return None if opens == at else (theirs.out_of_office, _NEVER if opens is None else opens)
