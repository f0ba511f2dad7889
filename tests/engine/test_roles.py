"""Laws of roles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.engine.clients import ADMIN, SCOPES
from heliograph.engine.users.roles import OWNER, ROLES, WORKSPACE_WIDE, scopes_of

roles = st.frozensets(st.sampled_from([*ROLES]))


@given(roles, roles)
def test_one_role_more_never_takes_a_right_away(some: frozenset[str], more: frozenset[str]) -> None:
    assert scopes_of(some, [some]) <= scopes_of(some | more, [some | more])


@given(roles, st.lists(roles, min_size=1))
def test_nobody_gets_a_right_over_all_that_they_lack_in_some_live_environment(
    here: frozenset[str], live: list[frozenset[str]]
) -> None:
    found = scopes_of(here, live) & WORKSPACE_WIDE
    assert all(found <= scopes_of(there, [there]) for there in live)


@given(roles, st.lists(roles, min_size=1))
def test_rights_inside_an_environment_don_t_depend_on_others(here: frozenset[str], live: list[frozenset[str]]) -> None:
    assert scopes_of(here, live) - WORKSPACE_WIDE == scopes_of(here, [here]) - WORKSPACE_WIDE


@pytest.mark.parametrize("role", ROLES)
def test_roles_are_made_of_scopes(role: str) -> None:
    assert ROLES[role].scopes <= SCOPES.keys()
    assert (ADMIN in scopes_of([role], [[role]])) is (role == OWNER)


def test_without_a_live_environment_nobody_has_a_right_over_all() -> None:
    assert not scopes_of([OWNER], []) & WORKSPACE_WIDE


def test_a_role_that_is_no_more_gives_nothing() -> None:
    assert scopes_of(["king"], [["king"]]) == frozenset()
