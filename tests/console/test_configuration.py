"""Configuration in the console: seen, changed after a look at the difference, gone back on; budgets; going live."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.console.accessibility import judged
from tests.console.conftest import Console, joins
from tests.process.server import Api, Server

PLACES = (
    *("/console/configuration", "/console/configuration/apply", "/console/configuration/history"),
    *("/console/configuration/whole", "/console/configuration/history/1", "/console/configuration/connector/telco"),
    *("/console/configuration/policy/alarms", "/console/configuration/policy/verify", "/console/budgets"),
    "/console/checklist",
)
APPLY = "/console/configuration/apply"


def test_a_file_is_applied_after_a_look_at_the_difference_and_gone_back_on(
    window: Callable[..., Page], owner: Console
) -> None:
    page = window(owner)
    page.goto(APPLY)
    page.get_by_label("TOML").fill('[senders.Acme]\ntype = "alphanumeric"\n\n[connectors.telco]\nkind = "sandbox"\n')
    page.get_by_role("button", name="Show what it would change").click()
    found = page.locator("#found")
    assert "+ [senders.Acme]" in found.inner_text() and "- receipt_delay_ms = 20" in found.inner_text()
    assert judged(page) == []
    assert "Acme" not in owner.page("/console/configuration"), "nothing is kept yet"
    page.get_by_role("button", name="Apply 2 changes").click()
    page.get_by_text("Done: 2 changed").wait_for()
    page.get_by_role("link", name="History and the way back").click()
    versions = page.get_by_role("row").filter(has_text="created")
    page.goto("/console/configuration/sender/Acme")
    page.get_by_text("What was different").wait_for()
    page.goto("/console/configuration/history")
    before = versions.filter(has_text="route").get_by_role("link").first
    before.click()
    page.get_by_role("heading", name="What going back would change now").wait_for()
    assert "+ receipt_delay_ms = 20" in page.locator("main").inner_text()
    page.get_by_text("Go back to this version").first.click()
    page.get_by_role("button", name="Go back to this version").click()
    page.get_by_text("Back at version").wait_for()
    assert "Acme" not in owner.page("/console/configuration")
    assert "receipt_delay_ms" in owner.page("/console/configuration/connector/telco")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[senders.Acme", "not TOML"),
        ("[conectors.x]\nkind = 'sandbox'", "Did you mean"),
        ("[connectors.x]\nkind = 'pigeon'", "connectors/x"),
        ("[connectors.new]\nkind = 'smpp'\nhost = 'h'\nport = 1\nsystem_id = 's'\npassword = '…'", "none is kept"),
    ],
)
def test_what_can_not_work_is_said_and_the_text_stays(owner: Console, text: str, said: str) -> None:
    answer = owner.send(APPLY, text=text, step="apply")
    assert answer.status_code >= 400 and said in answer.text and text[:8].strip("[") in answer.text


def test_a_secret_that_is_struck_out_stays_what_it_is(server: Server, owner: Console) -> None:
    told = (
        "[connectors.dead]\nkind = 'smpp'\nhost = '127.0.0.1'\nport = 9\nsystem_id = 'acme'\npassword = 'kept-quiet'\n"
    )
    assert owner.send(APPLY, text=told, step="apply").status_code == 303
    page = owner.page("/console/configuration/connector/dead")
    assert "kept-quiet" not in page and "sealed:" not in page
    assert "all of it is declared like this already" in owner.send(APPLY, text=told.replace("kept-quiet", "…")).text
    other = owner.send(APPLY, text=told.replace("kept-quiet", "another"), step="check").text
    assert "a secret is another one" in other
    for place in ("/console/configuration/whole", "/console/configuration/history"):
        assert "kept-quiet" not in owner.page(place) and "sealed:" not in owner.page(place)
    assert owner.send("/console/configuration/connector/dead/remove").status_code == 303
    removed = owner.page("/console/configuration/connector/dead")
    assert "removed" in removed, "its history leads back"


def test_a_policy_says_what_it_may_say_and_is_declared(window: Callable[..., Page], owner: Console) -> None:
    page = window(owner)
    page.goto("/console/configuration/policy/budgets")
    page.get_by_text("budgets[].max_spend").wait_for()
    page.get_by_label("TOML").fill(
        '[policies.budgets]\nbudgets = [{ name = "daily", per = "day", max_messages = 4, warn_at = [50] }]\n'
    )
    page.get_by_role("button", name="Show what would change").click()
    page.get_by_role("button", name="Apply 1 change").click()
    page.get_by_text("Done: 1 changed").wait_for()


def test_budgets_show_what_is_used(server: Server, owner: Console) -> None:
    api = Api(server, server.key("messages:send", "messages:read"))
    owner.send(
        APPLY, text='[policies.budgets]\nbudgets = [{ name = "daily", per = "day", max_messages = 4 }]', step="apply"
    )
    for _ in range(4):
        api.send()
    page = owner.page("/console/budgets")
    assert "<strong>100.0 %</strong>" in page and "4 of 4" in page and "used up" in page
    owner.send("/console/configuration/policy/budgets/remove")
    assert "No budget yet" in owner.page("/console/budgets")


def test_the_way_to_live_traffic_is_looked_up_and_leaves_when_it_is_over(
    window: Callable[..., Page], server: Server, owner: Console
) -> None:
    server.run("workspaces", "create", "newcomer")
    console = joins(server, "n@newcomer.example.com", "live:owner", workspace="newcomer", environment="live")
    assert "0 of 8" in console.page("/console")
    page = window(console)
    page.goto("/console/checklist")
    server.key("messages:send", environment="live", workspace="newcomer")
    server.key("messages:send", environment="test", workspace="newcomer")
    page.reload()
    page.get_by_text("one for live, one for test").wait_for()
    page.get_by_role("button", name="It is done: A plan for the way back").click()
    page.get_by_text("confirmed by").wait_for()
    assert "2 of 8" in console.page("/console")
    assert console.send("/console/checklist", name="keys").status_code == 422, "it is looked up"
    page.get_by_text("Put the list away").first.click()
    page.get_by_role("button", name="Put the list away").click()
    page.get_by_text("The list was put away").wait_for()
    assert "Going live:" not in console.page("/console")
    assert "readiness.confirmed" in console("GET", "/v1/audit").text


def test_configuration_can_be_used_by_everybody(window: Callable[..., Page], owner: Console) -> None:
    for dark, width in ((True, 1280), (False, 390)):
        page = window(owner, dark=dark, width=width)
        for place in PLACES:
            page.goto(place)
            assert judged(page) == [], place
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place


def test_roles_and_walls(server: Server, owner: Console) -> None:
    developer = joins(server, "dev@configuration.example.com", "live:developer", environment="live")
    for place in PLACES[:8]:
        assert developer("GET", place).status_code == 403, place
    assert developer.send(APPLY, text="[senders.Mine]", step="apply").status_code == 403
    assert developer.send("/console/checklist", name="done").status_code == 403
    server.run("workspaces", "create", "walled")
    others = joins(server, "o@walled.example.com", "live:owner", workspace="walled", environment="live")
    for place in ("/console/configuration/history/1", "/console/configuration/connector/telco"):
        assert others("GET", place).status_code == 404, place
    assert others.send("/console/configuration/history/1/back").status_code == 404
    assert others.send("/console/configuration/connector/telco/remove").status_code == 404
    foreign = others.send(APPLY, text="[senders.Mine]\nworkspace = 'default'\ntype = 'alphanumeric'", step="apply")
    assert foreign.status_code == 403 and "may not declare" in foreign.text
