"""A day of somebody in compliance: a person says that they never agreed, and a regulator will ask for proof."""

import json
from pathlib import Path

from tests.console.accessibility import judged
from tests.console.days.conftest import Hires
from tests.process.server import Api, Server

ADA, SENDER = "+447700900152", "+447700900999"


def test_a_no_is_found_proven_listed_and_noted(walks: Hires, server: Server, tmp_path: Path) -> None:
    records = Api(server, server.key("consent:manage", "messages:send", "messages:read", environment="test"))
    agreed = {"to": ADA, "action": "opt_in", "source": "web_form", "purpose": "promotional", "text": "Send me offers"}
    assert records("POST", "/v1/consents", agreed).status_code < 300
    offer = records.send(ADA, "Spring is here. STOP to end", sender=SENDER, kind="transactional")
    records.until(offer["id"], "delivered")

    # the person answers STOP: on the sandbox phone, which is theirs
    phone = walks("person", "test:support")
    phone.go("Sandbox phone")
    phone.follow(ADA)
    phone.see("Spring is here", "#screen")
    phone.press("STOP")
    phone.see("STOP", "#screen")
    phone.look("the phone said stop")

    walk = walks("compliance", "live:compliance", "test:compliance")
    page = walk.page
    walk.look("home")
    walk.environment("test")
    walk.go("Contacts")
    walk.look("contacts")
    page.get_by_label("Find by").fill("0044 7700 900152")
    page.keyboard.press("Enter")
    walk.see(f"Nobody is named who has {ADA}")
    walk.look("nobody is named")
    walk.follow("See what is known of it")

    # how they stand, what they said, and what was sent to them
    record = page.locator("#record")
    record.get_by_text("Said no to").first.wait_for()
    record.get_by_text("Said yes to promotional").wait_for()
    record.get_by_text("“STOP”").wait_for()
    record.get_by_text("“Send me offers”").wait_for()
    walk.see("May we text them?")
    walk.look("their record")

    # the proof, to print and to read by machine
    page.locator("main summary", has_text="Export").click()
    walk.look("what can be taken out")
    with page.expect_download() as printed:
        page.get_by_role("link", name="Proof of consent, to print").click()
    printed.value.save_as(tmp_path / "consent.html")
    paper = page.context.new_page()
    paper.goto((tmp_path / "consent.html").as_uri())
    for words in (ADA, "STOP", "Send me offers"):
        paper.get_by_text(words).first.wait_for()
    assert judged(paper) == []
    with page.expect_download() as machine:
        page.get_by_role("link", name="Proof of consent, JSON").click()
    proof = json.loads(machine.value.path().read_text())
    assert proof["address"] == ADA and proof["made_by"] == "user:compliance@example.com"
    assert {one["action"] for one in proof["record"]} == {"opt_in", "opt_out"}

    # nobody writes to them any more
    walk.go("Contacts")
    walk.follow("Suppression list")
    page.get_by_role("link", name=ADA).wait_for()
    walk.look("the suppression list")
    with page.expect_download() as listed:
        page.get_by_role("link", name="Export").click()
    assert ADA in listed.value.path().read_text()

    # and what they took stands in the log, with their name
    walk.go("Audit log")
    page.get_by_label("Who", exact=True).fill("user:compliance@example.com")
    page.get_by_role("button", name="Search").click()
    walk.look("the log of what they did")
    noted = page.locator("#entries tbody th code").all_inner_texts()
    assert noted[:3] == ["suppressions.exported", "consent.exported", "consent.exported"]
