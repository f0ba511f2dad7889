"""A day of somebody in compliance: a person says that they never agreed, and a regulator will ask for proof."""

import json

from tests.console.days.conftest import Hires
from tests.process.server import Api, Server

ADA, SENDER = "+447700900152", "+447700900999"


def test_a_no_is_found_proven_listed_and_noted(walks: Hires, server: Server) -> None:
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
    page.get_by_label("Find by").fill("07700 900152")
    page.keyboard.press("Enter")
    walk.look("found")
