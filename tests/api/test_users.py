"""People over HTTP: invited, logged in, proved by a second factor, logged out, kept out."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.api.browser import PASSWORD, Browser, code_now, invited, joined
from tests.process.server import Api, Server


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("people")) as running:
        yield running


@pytest.fixture(scope="module")
def owner(gateway: Server) -> Browser:
    return joined(gateway, "owner@example.com", "live:owner", "test:owner")


def actions(owner: Browser, email: str) -> list[tuple[str, str, str | None]]:
    """What the audit log says of a user, the oldest first."""
    entries = owner("GET", "/v1/audit?limit=200").json()["data"]
    return [(e["actor"], e["action"], e["ip"]) for e in reversed(entries) if e["object"] == f"user:{email}"]


# -- in and out


def test_an_invited_user_sets_a_password_and_is_in(gateway: Server, owner: Browser) -> None:
    made = owner(
        "POST", "/v1/users", {"email": "Ada@Example.com", "name": "Ada", "roles": {"live": ["support"]}}
    ).json()
    assert made["link"].startswith(f"{gateway.url}/invite/") and not made["user"]["has_password"]
    assert requests.post(made["link"], {"password": PASSWORD, "again": PASSWORD}, timeout=20).status_code == 200
    browser = Browser(gateway)
    assert browser.log_in(" ADA@example.com ").json() == {"is_whole": True}
    view = browser("GET", "/v1/session").json()
    assert (view["email"], view["name"], view["workspace"]) == ("ada@example.com", "Ada", "default")
    assert (view["environment"], view["environments"]) == ("live", {"live": ["support"]})
    assert browser("GET", "/v1/me").json()["key_id"] == made["user"]["id"]
    assert actions(owner, "ada@example.com") == [
        ("user:owner@example.com", "user.invited", "127.0.0.1"),
        ("user:ada@example.com", "user.password_set", "127.0.0.1"),
        ("user:ada@example.com", "login.succeeded", "127.0.0.1"),
    ]


def test_what_a_person_does_is_in_the_audit_log_under_their_name(owner: Browser) -> None:
    key = owner("POST", "/v1/keys", {"name": "made by a person"}).json()
    (entry,) = [e for e in owner("GET", "/v1/audit").json()["data"] if e["object"] == f"key:{key['id']}"]
    assert entry["actor"] == "user:owner@example.com"


def test_a_person_sends_as_a_key_does(owner: Browser) -> None:
    owner.look_at("test")
    sent = owner("POST", "/v1/messages", {"to": "+447700900123", "text": "Hello"})
    assert sent.status_code == 202
    assert owner("GET", f"/v1/messages/{sent.json()['id']}").status_code == 200
    owner.look_at("live")
    assert owner("GET", f"/v1/messages/{sent.json()['id']}").status_code == 404


@pytest.mark.parametrize(
    ("email", "password", "workspace"),
    [
        ("owner@example.com", "another long password", "default"),
        ("nobody@example.com", PASSWORD, "default"),
        ("owner@example.com", PASSWORD, "nowhere"),
        ("never@example.com", PASSWORD, "default"),  # invited, without a password yet
        ("no address at all", "", "default"),
    ],
)
def test_whoever_can_not_log_in_learns_nothing(
    gateway: Server, owner: Browser, email: str, password: str, workspace: str
) -> None:
    if email.startswith("never"):
        invited(gateway, email, "live:support")
    answer = Browser(gateway)("POST", "/v1/session", {"email": email, "password": password, "workspace": workspace})
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_login")
    assert answer.json()["detail"] == "the e-mail address, the password or the workspace is wrong"
    assert "set-cookie" not in answer.headers
    assert "Basic" not in answer.headers["www-authenticate"], "a browser would ask for a password itself"


def test_failed_logins_are_in_the_audit_log(gateway: Server, owner: Browser) -> None:
    Browser(gateway).log_in("owner@example.com", "not the password")
    assert ("nobody", "login.failed", "127.0.0.1") in actions(owner, "owner@example.com")


def test_logging_out_ends_the_session_and_not_only_the_cookie(gateway: Server) -> None:
    browser = joined(gateway, "leaves@example.com", "live:support")
    kept = {"Cookie": f"hg_session={browser.cookie}"}
    assert browser("DELETE", "/v1/session").status_code == 200
    assert "hg_session" not in browser.session.cookies
    answer = requests.get(f"{gateway.url}/v1/session", headers=kept, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (401, "no_session")


def test_a_login_gives_a_new_session_and_cookies_that_no_script_reads(gateway: Server) -> None:
    browser = joined(gateway, "cookies@example.com", "live:support")
    before = browser.cookie
    answer = browser.log_in("cookies@example.com")
    assert browser.cookie != before and len(browser.cookie) == 43
    assert len(browser("GET", "/v1/sessions").json()["data"]) == 1, "the one that the browser had has ended"
    for line in answer.raw.headers.getlist("set-cookie"):
        assert "; Path=/; HttpOnly; SameSite=Lax" in line and "Secure" not in line, line


def test_over_https_cookies_are_secure_and_of_this_host_alone(tmp_path: Any) -> None:
    with Server(tmp_path, 'public_url = "https://sms.example.com"\n') as gateway:
        link = invited(gateway, "ada@example.com", "live:owner")
        assert link.startswith("https://sms.example.com/invite/")
        here = link.replace("https://sms.example.com", gateway.url)
        requests.post(here, {"password": PASSWORD, "again": PASSWORD}, timeout=20)
        answer = Browser(gateway).log_in("ada@example.com")
        lines = answer.raw.headers.getlist("set-cookie")
        assert [line.partition("=")[0] for line in lines] == ["__Host-hg_session", "__Host-hg_device"]
        assert all("; Path=/; HttpOnly; SameSite=Lax; Secure" in line and "Domain" not in line for line in lines)
        token = lines[0].partition("=")[2].partition(";")[0]
        for name, status in (("__Host-hg_session", 200), ("hg_session", 401)):
            headers = {"Cookie": f"{name}={token}"}
            assert requests.get(f"{gateway.url}/v1/session", headers=headers, timeout=5).status_code == status


# -- other people's pages


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-CSRF-Token": None}, "bad_csrf_token"),
        ({"X-CSRF-Token": ""}, "bad_csrf_token"),
        ({"X-CSRF-Token": "A" * 43}, "bad_csrf_token"),
        ({"X-CSRF-Token": "é"}, "bad_csrf_token"),
        ({"Origin": "https://evil.example"}, "cross_site"),
        ({"Origin": "null"}, "cross_site"),
        ({"Sec-Fetch-Site": "cross-site"}, "cross_site"),
        ({"Sec-Fetch-Site": "same-site"}, "cross_site"),
    ],
)
def test_a_cookie_alone_changes_nothing(owner: Browser, headers: dict[str, str], code: str) -> None:
    encoded = {name: value if value is None else value.encode() for name, value in headers.items()}
    answer = owner("POST", "/v1/keys", {"name": "forged"}, headers=encoded)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert "forged" not in owner("GET", "/v1/keys").text


def test_another_site_can_not_log_a_browser_in(gateway: Server, owner: Browser) -> None:
    body = {"email": "owner@example.com", "password": PASSWORD}
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert Browser(gateway)("POST", "/v1/session", body, headers=foreign).json()["code"] == "cross_site"
    page = requests.post(f"{gateway.url}/login", body, headers=foreign, timeout=20)
    assert page.status_code == 403 and "set-cookie" not in page.headers


def test_our_own_pages_may(gateway: Server, owner: Browser) -> None:
    ours = {"Origin": gateway.url, "Sec-Fetch-Site": "same-origin"}
    assert owner("POST", "/v1/keys", {"name": "from our page"}, headers=ours).status_code == 201


def test_a_page_of_one_environment_changes_nothing_in_another(gateway: Server) -> None:
    browser = joined(gateway, "windows@example.com", "live:owner", "test:owner")
    token_of_live = browser.session.headers["X-CSRF-Token"]
    browser.look_at("test")
    stale = browser(
        "POST", "/v1/messages", {"to": "+447700900123", "text": "x"}, headers={"X-CSRF-Token": token_of_live}
    )
    assert stale.json()["code"] == "bad_csrf_token"


def test_a_key_outranks_a_cookie_and_needs_no_token(gateway: Server, owner: Browser) -> None:
    key = gateway.key("messages:read")
    headers = {"Authorization": f"Bearer {key}", "X-CSRF-Token": None}
    assert owner("GET", "/v1/me", headers=headers).json()["scopes"] == ["messages:read"]


def test_a_key_has_no_session(gateway: Server) -> None:
    api = Api(gateway, gateway.key("admin"))
    for method, path in (("GET", "/v1/session"), ("DELETE", "/v1/session"), ("GET", "/v1/sessions")):
        assert api(method, path).json()["code"] == "not_a_person"


# -- guessing


def test_guessing_gets_slower_but_never_for_those_who_were_here_before(gateway: Server, owner: Browser) -> None:
    known = joined(gateway, "target@example.com", "live:support")
    attacker = Browser(gateway, "127.0.0.2")
    answers = [attacker.log_in("target@example.com", "a wrong password") for _ in range(8)]
    assert [a.status_code for a in answers[:5]] == [401] * 5
    assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "too_many_logins")
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert attacker.log_in("target@example.com").status_code == 429, "not even the right password"
    assert known.log_in("target@example.com").json() == {"is_whole": True}


def test_whoever_tries_many_accounts_is_slowed_down_as_well(gateway: Server, owner: Browser) -> None:
    attacker = Browser(gateway, "127.0.0.4")
    statuses = [attacker.log_in(f"guess{number}@example.com", "a wrong password").status_code for number in range(34)]
    assert statuses[:30] == [401] * 30 and 429 in statuses
    assert Browser(gateway).log_in("owner@example.com").status_code == 200, "others are not"


def test_a_device_cookie_is_believed_only_when_we_made_it(gateway: Server, tmp_path: Any) -> None:
    mine = joined(gateway, "mine@example.com", "live:support")
    joined(gateway, "other@example.com", "live:support")
    secret = tmp_path / "secret"
    secret.write_text("device:1:x")
    for cookie in (str(mine.session.cookies["hg_device"]), f"file:{secret}", "env:HOME", "sealed:x:y", "sealed:"):
        attacker = Browser(gateway, "127.0.0.3")
        attacker.session.cookies["hg_device"] = cookie
        statuses = {attacker.log_in("other@example.com", "a wrong password").status_code for _ in range(6)}
        assert 429 in statuses, cookie


# -- the second factor


def test_a_second_factor_is_asked_for_from_its_first_code_on(gateway: Server, owner: Browser) -> None:
    browser = joined(gateway, "factor@example.com", "live:support")
    assert browser("POST", "/v1/session/second-factor", {"password": "wrong one here"}).json()["code"] == "wrong_login"
    enrolment = browser("POST", "/v1/session/second-factor", {"password": PASSWORD}).json()
    assert enrolment["address"].startswith("otpauth://totp/Heliograph:factor@example.com?secret=")
    assert Browser(gateway).log_in("factor@example.com").json() == {"is_whole": True}, "not confirmed yet"
    assert browser("POST", "/v1/session/second-factor/confirm", {"code": "000000x"}).json()["code"] == "wrong_code"
    before, code = browser.cookie, code_now(enrolment["secret"])
    codes = browser("POST", "/v1/session/second-factor/confirm", {"code": code}).json()["recovery_codes"]
    assert len(set(codes)) == 10 and browser.cookie != before
    browser.take_token()
    assert len(browser("GET", "/v1/sessions").json()["data"]) == 1, "the other session has ended"

    again = Browser(gateway)
    assert again.log_in("factor@example.com").json() == {"is_whole": False}
    assert again("GET", "/v1/session").json()["code"] == "second_factor_needed"
    assert again("GET", "/v1/messages").status_code == 401
    assert again("POST", "/v1/session/code", {"code": code}).json()["code"] == "wrong_code", "used already"
    half = again.cookie
    assert again("POST", "/v1/session/code", {"code": code_now(enrolment["secret"], 1)}).json() == {"is_whole": True}
    assert again.cookie != half and again("GET", "/v1/messages").status_code == 200

    lost = Browser(gateway)
    lost.log_in("factor@example.com")
    assert lost("POST", "/v1/session/code", {"code": codes[0].upper()}).json() == {"is_whole": True}
    lost.log_in("factor@example.com")
    assert lost("POST", "/v1/session/code", {"code": codes[0]}).json()["code"] == "wrong_code", "once only"

    user = owner("GET", "/v1/users/factor@example.com").json()
    assert user["has_second_factor"]
    assert not owner("POST", f"/v1/users/{user['id']}/reset-second-factor").json()["has_second_factor"]
    assert lost("GET", "/v1/session").status_code == 401
    assert Browser(gateway).log_in("factor@example.com").json() == {"is_whole": True}


def test_codes_can_not_be_guessed_either(gateway: Server) -> None:
    browser = joined(gateway, "codes@example.com", "live:support")
    secret = browser("POST", "/v1/session/second-factor", {"password": PASSWORD}).json()["secret"]
    assert browser("POST", "/v1/session/second-factor/confirm", {"code": code_now(secret)}).status_code == 200
    thief = Browser(gateway, "127.0.0.5")  # who knows the password
    assert thief.log_in("codes@example.com").json() == {"is_whole": False}
    statuses = [thief("POST", "/v1/session/code", {"code": "no code"}).status_code for _ in range(7)]
    assert statuses[:5] == [401] * 5 and statuses[-1] == 429


# -- one's own account


def test_a_new_password_ends_all_other_sessions(gateway: Server) -> None:
    browser = joined(gateway, "changes@example.com", "live:support")
    other = Browser(gateway)
    other.log_in("changes@example.com")
    wanted = {"old": PASSWORD, "password": "eight lamps of copper"}
    assert browser("POST", "/v1/session/password", wanted | {"old": "wrong"}).json()["code"] == "wrong_login"
    weak = browser("POST", "/v1/session/password", wanted | {"password": "changes@example.com"})
    assert (weak.json()["code"], weak.json()["errors"][0]["pointer"]) == ("weak_password", "/password")
    before = browser.cookie
    assert browser("POST", "/v1/session/password", wanted).status_code == 200
    assert browser.cookie != before and browser("GET", "/v1/session").status_code == 200
    assert other("GET", "/v1/session").status_code == 401
    assert Browser(gateway).log_in("changes@example.com").status_code == 401
    assert Browser(gateway).log_in("changes@example.com", "eight lamps of copper").status_code == 200


def test_people_see_and_end_their_own_sessions_only(gateway: Server, owner: Browser) -> None:
    here = joined(gateway, "places@example.com", "live:support")
    there = Browser(gateway)
    there.session.headers["User-Agent"] = "a phone"
    there.log_in("places@example.com")
    found = here("GET", "/v1/sessions").json()["data"]
    assert [(s["is_current"], s["ip"]) for s in found] == [(True, "127.0.0.1"), (False, "127.0.0.1")]
    assert found[1]["user_agent"] == "a phone"
    stranger = joined(gateway, "stranger@example.com", "live:support")
    assert stranger("DELETE", f"/v1/sessions/{found[1]['id']}").status_code == 404
    assert here("DELETE", f"/v1/sessions/{found[1]['id']}").status_code == 200
    assert there("GET", "/v1/session").status_code == 401
    assert here("GET", "/v1/session").status_code == 200


# -- what owners do


@pytest.mark.parametrize(
    ("change", "body"),
    [("PUT roles", {"roles": {"test": ["analyst"]}}), ("POST disable", None), ("DELETE sessions", None)],
)
def test_what_owners_change_holds_at_once(
    gateway: Server, owner: Browser, change: str, body: dict[str, Any] | None
) -> None:
    method, what = change.split()
    email = f"{what}@example.com"
    browser = joined(gateway, email, "live:support")
    user = owner("GET", f"/v1/users/{email}").json()["id"]
    assert len(owner("GET", f"/v1/users/{user}/sessions").json()["data"]) == 1
    assert owner(method, f"/v1/users/{user}/{what}", body).status_code == 200
    assert browser("GET", "/v1/session").json()["code"] == "no_session"


def test_a_disabled_user_stays_out_until_enabled(gateway: Server, owner: Browser) -> None:
    browser = joined(gateway, "off@example.com", "live:support")
    link = owner("POST", "/v1/users/off@example.com/reset-password").json()["link"]
    assert owner("POST", "/v1/users/off@example.com/disable").json()["is_disabled"]
    assert browser.log_in("off@example.com").json()["code"] == "user_disabled"
    assert browser.log_in("off@example.com", "not the password").json()["code"] == "wrong_login"
    assert requests.get(link, timeout=5).status_code == 404
    assert owner("POST", "/v1/users/off@example.com/reset-password").json()["code"] == "user_disabled"
    assert not owner("POST", "/v1/users/off@example.com/enable").json()["is_disabled"]
    assert browser.log_in("off@example.com").status_code == 200


def test_a_link_works_once_and_only_the_last_one(gateway: Server, owner: Browser) -> None:
    joined(gateway, "links@example.com", "live:support")
    first = owner("POST", "/v1/users/links@example.com/reset-password").json()["link"]
    second = owner("POST", "/v1/users/links@example.com/reset-password").json()["link"]
    wanted = {"password": "a ninth lamp, of iron", "again": "a ninth lamp, of iron"}
    assert requests.post(first, wanted, timeout=20).status_code == 404
    assert requests.post(second, wanted, timeout=20).status_code == 200
    assert requests.post(second, wanted, timeout=20).status_code == 404
    assert Browser(gateway).log_in("links@example.com", wanted["password"]).status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"email": "no address"}, "bad_email", "/email"),
        ({"email": "owner@example.com"}, "already_exists", "/email"),
        ({"name": " "}, "bad_name", "/name"),
        ({"roles": {}}, "missing_field", "/roles"),
        ({"roles": {"live": ["king"]}}, "unknown_role", "/roles/live/0"),
        ({"roles": {"lvie": ["owner"]}}, "unknown_environment", "/roles"),
    ],
)
def test_who_can_not_be_invited(owner: Browser, body: dict[str, Any], code: str, pointer: str) -> None:
    good = {"email": "new@example.com", "name": "New", "roles": {"live": ["support"]}}
    answer = owner("POST", "/v1/users", good | body)
    assert (answer.json()["code"], answer.json()["errors"][0]["pointer"]) == (code, pointer)


def test_somebody_who_can_undo_it_is_always_left(gateway: Server) -> None:
    gateway.run("workspaces", "create", "small")
    only = joined(gateway, "only@example.com", "live:owner", workspace="small")
    for method, what, body in (("POST", "disable", None), ("PUT", "roles", {"roles": {"live": ["support"]}})):
        answer = only(method, f"/v1/users/only@example.com/{what}", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_owner")


def test_the_same_address_in_another_workspace_is_somebody_else(gateway: Server, owner: Browser) -> None:
    gateway.run("workspaces", "create", "next")
    neighbour = joined(gateway, "owner@example.com", "live:owner", workspace="next")
    assert neighbour("GET", "/v1/session").json()["workspace"] == "next"
    assert [user["email"] for user in neighbour("GET", "/v1/users").json()["data"]] == ["owner@example.com"]
    mine = owner("GET", "/v1/users/owner@example.com").json()["id"]
    assert neighbour("GET", f"/v1/users/{mine}").status_code == 404
    assert neighbour("GET", "/v1/workspaces").json()["code"] == "foreign_workspace"
    session = owner("GET", "/v1/sessions").json()["data"][0]["id"]
    assert neighbour("DELETE", f"/v1/sessions/{session}").status_code == 404


def test_a_test_key_makes_nobody_who_reaches_live(gateway: Server, owner: Browser) -> None:
    key = Api(gateway, gateway.key("admin"))
    made = key("POST", "/v1/users", {"email": "t@example.com", "name": "T", "roles": {"test": ["owner"]}})
    assert made.status_code == 201 and re.fullmatch(r"/invite/\S+", made.json()["link"])
    body = {"email": "l@example.com", "name": "L", "roles": {"live": ["owner"]}}
    assert key("POST", "/v1/users", body).json()["code"] == "foreign_environment"
    assert key("PUT", "/v1/users/t@example.com/roles", {"roles": body["roles"]}).json()["code"] == "foreign_environment"
    assert key("POST", "/v1/users/owner@example.com/reset-password").json()["code"] == "foreign_environment"


def test_users_come_in_pages(owner: Browser) -> None:
    whole = [user["id"] for user in owner("GET", "/v1/users?limit=200").json()["data"]]
    found, cursor = [], ""
    while cursor is not None:
        page = owner("GET", f"/v1/users?limit=3{cursor and f'&cursor={cursor}'}").json()
        found += [user["id"] for user in page["data"]]
        cursor = page["next_cursor"]
    assert found == whole and len(whole) > 3


def test_no_secret_is_in_the_log(gateway: Server, owner: Browser) -> None:
    text = (gateway.folder / "server.log").read_text()
    assert PASSWORD not in text and owner.cookie not in text
