"""Users, their roles, and the audit log in the console."""

import json
import re
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page

from tests.api.browser import PASSWORD
from tests.console.accessibility import judged
from tests.console.conftest import Console, joins
from tests.process.server import Server

PLACE = "/console/users"


def user_of(owner: Console, email: str) -> str:
    """The place of a user."""
    found = re.search(rf'href="({PLACE}/usr_\w+)">{re.escape(email)}<', owner.page(PLACE))
    assert found is not None
    return found[1]


def test_somebody_is_invited_and_gets_in_with_these_roles(
    window: Callable[..., Page], server: Server, owner: Console
) -> None:
    page = window(owner)
    page.goto(PLACE)
    assert judged(page) == []
    page.get_by_label("E-mail address").fill("new@example.com")
    page.get_by_label("Name").fill("Nia New")
    page.get_by_label("support in test").check()
    page.get_by_role("button", name="Make the link").click()
    link = page.locator("#link").inner_text().strip()
    assert judged(page) == [] and link.startswith(server.url)
    assert requests.post(link, {"password": PASSWORD, "again": PASSWORD}, timeout=20).status_code == 200
    console = Console(server)
    console.log_in("new@example.com")
    assert console("GET", "/v1/session").json()["environments"] == {"test": ["support"]}
    assert link not in owner.page(PLACE)


@pytest.mark.parametrize(
    ("fields", "field", "status"),
    [
        ({"email": "no address", "name": "X", "roles": "test:support"}, "email", 422),
        ({"email": "a@example.com", "name": " ", "roles": "test:support"}, "name", 422),
        ({"email": "a@example.com", "name": "X"}, "roles", 422),
        ({"email": "a@example.com", "name": "X", "roles": "moon:support"}, "roles", 422),
        ({"email": "a@example.com", "name": "X", "roles": "test:king"}, "roles", 422),
        ({"email": "owner@example.com", "name": "X", "roles": "test:support"}, "email", 409),
    ],
)
def test_what_is_wrong_with_an_invitation_is_said_at_its_field(
    owner: Console, fields: dict[str, str], field: str, status: int
) -> None:
    answer = owner.send(PLACE, **fields)
    assert answer.status_code == status and f'id="p-{field}"' in answer.text
    assert "a@example.com</a>" not in owner.page(PLACE)


def test_roles_change_and_their_session_ends(window: Callable[..., Page], server: Server, owner: Console) -> None:
    theirs = joins(server, "ria@example.com", "test:support")
    page = window(owner)
    page.goto(user_of(owner, "ria@example.com"))
    assert judged(page) == []
    page.get_by_label("support in test").uncheck()
    page.get_by_label("analyst in test").check()
    page.get_by_role("button", name="Save the roles").click()
    page.get_by_text("They have to log in again.").wait_for()
    assert page.get_by_label("analyst in test").is_checked() and not page.get_by_label("support in test").is_checked()
    assert theirs("GET", "/v1/session").status_code == 401


def test_the_last_owner_stays(owner: Console) -> None:
    me = user_of(owner, "owner@example.com")
    answer = owner.send(f"{me}/roles", roles="test:owner")
    assert answer.status_code == 409 and "last owner" in answer.text
    assert "last owner" in owner.send(f"{me}/disable").text
    assert owner("GET", "/v1/session").status_code == 200


def test_somebody_is_kept_out_and_let_in_again(window: Callable[..., Page], server: Server, owner: Console) -> None:
    theirs = joins(server, "out@example.com", "test:support")
    page = window(owner)
    page.goto(user_of(owner, "out@example.com"))
    page.get_by_text("Keep out", exact=True).first.click()
    assert judged(page) == []
    page.get_by_role("button", name="Keep out").click()
    page.get_by_text("is kept out, at once.").wait_for()
    assert theirs("GET", "/v1/session").status_code == 401
    assert Console(server).log_in("out@example.com").status_code == 403
    page.get_by_role("button", name="Let them in again").click()
    page.get_by_text("may log in again.").wait_for()
    assert Console(server).log_in("out@example.com").ok


def test_a_lost_password_and_a_lost_factor_are_mended(server: Server, owner: Console) -> None:
    theirs = joins(server, "lost@example.com", "test:support")
    place = user_of(owner, "lost@example.com")
    link = re.search(r"<code>(http\S+/invite/[^<]+)</code>", owner.send(f"{place}/password").text)
    assert link is not None
    new = "nine lamps of silver"
    assert requests.post(link[1], {"password": new, "again": new}, timeout=20).status_code == 200
    theirs = Console(server)
    assert theirs.log_in("lost@example.com", password=new).ok
    assert owner.send(f"{place}/second-factor").status_code == 303
    assert theirs("GET", "/v1/session").status_code == 401
    theirs.log_in("lost@example.com", password=new)
    assert owner.send(f"{place}/sessions").status_code == 303
    assert theirs("GET", "/v1/session").status_code == 401


def test_who_is_no_owner_decides_about_nobody(server: Server, owner: Console) -> None:
    place = user_of(owner, "owner@example.com")
    for email, *roles in (("op@example.com", "live:operator", "test:operator"), ("t@example.com", "test:owner")):
        console = joins(server, email, *roles)
        assert console("GET", PLACE).status_code == 403 and console("GET", place).status_code == 403
        assert console.send(f"{place}/disable").status_code == 403
        assert console.send(PLACE, email="evil@example.com", name="E", roles="live:owner").status_code == 403


# -- the audit log


def test_what_was_done_is_found_exported_and_checked(
    window: Callable[..., Page], server: Server, owner: Console
) -> None:
    joins(server, "seen@example.com", "test:support")
    page = window(owner)
    page.goto("/console/audit?object=user%3Aseen%40example.com")
    assert judged(page) == []
    page.locator("#entries").get_by_text("user.invited").wait_for()
    page.locator("#entries details").first.click()
    assert judged(page) == []
    page.get_by_label("What", exact=True).select_option("login.*")
    page.wait_for_url("**action=login.*")
    assert page.locator("#entries code").all_inner_texts() == ["login.succeeded"]
    page.get_by_text("Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="As JSON lines").click()
    lines = [json.loads(line) for line in download.value.path().read_text().splitlines()]
    assert [(line["action"], line["object"]) for line in lines] == [("login.succeeded", "user:seen@example.com")]
    assert "audit.exported" in owner.page("/console/audit?action=audit.*")
    page.get_by_text("Check the chain").click()
    page.get_by_role("button", name="Check every entry").click()
    page.get_by_text("The chain is whole").wait_for()
    assert judged(page) == []
    anchor = page.locator("#head").inner_text().strip()
    assert "The chain is whole" in owner.send("/console/audit/check", anchor=anchor).text
    number, _, proof = anchor.partition(":")
    changed = f"{number}:{'0' * len(proof)}"
    assert "not as we wrote it" in owner.send("/console/audit/check", anchor=changed).text
    wrong = owner.send("/console/audit/check", anchor="nonsense")
    assert wrong.status_code == 422 and 'id="p-anchor"' in wrong.text


def test_the_audit_log_opens_to_compliance_and_not_to_support(server: Server) -> None:
    officer = joins(server, "kim@example.com", "live:compliance", environment="live")
    assert "user.invited" in officer.page("/console/audit")
    support = joins(server, "sup@example.com", "live:support", environment="live")
    assert support("GET", "/console/audit").status_code == 403
    assert support("GET", "/console/audit/export").status_code == 403


def test_no_workspace_sees_another(server: Server, owner: Console) -> None:
    place = user_of(owner, "owner@example.com")
    server.run("workspaces", "create", "acme")
    theirs = joins(server, "them@example.com", "live:owner", "test:owner", workspace="acme")
    theirs.page(place, 404)
    for deed in ("disable", "password", "second-factor", "sessions"):
        assert theirs.send(f"{place}/{deed}").status_code == 404
    assert "owner@example.com" not in theirs.page("/console/audit") + theirs.page(PLACE)
    assert theirs.send("/console/audit/check").status_code == 403
