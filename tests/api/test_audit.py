"""The audit log over HTTP: who did what from where, what it was before and after, filtered, exported, checked."""

import csv
import io
import json
from typing import Any

from tests.process.server import Api, Server


def newest(api: Api, action: str) -> dict[str, Any]:
    found: dict[str, Any] = api("GET", f"/v1/audit?limit=1&action={action}").json()["data"][0]
    return found


def test_an_entry_says_who_did_what_from_where(admin: Api) -> None:
    made = admin("POST", "/v1/keys", {"name": "audited", "ip_allowlist": ["127.0.0.0/8"]}).json()
    entry = newest(admin, "key.created")
    assert (entry["object"], entry["ip"]) == (f"key:{made['id']}", "127.0.0.1")
    assert entry["actor"] == f"key:{admin('GET', '/v1/me').json()['key_id']}"
    assert entry["detail"]["before"] is None
    assert entry["detail"]["after"]["ip_allowlist"] == ["127.0.0.0/8"]
    assert made["key"] not in admin("GET", "/v1/audit?limit=200").text


def test_what_is_declared_is_shown_before_and_after_without_its_secrets(admin: Api) -> None:
    url, secret = "http://127.0.0.1:9/one", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
    admin("POST", "/v1/endpoints", {"name": "audited", "url": url, "secret": secret})
    created = newest(admin, "endpoint.created")
    assert created["detail"]["before"] is None
    assert (created["detail"]["after"]["url"], created["detail"]["after"]["secret"]) == (url, "…")
    admin("POST", "/v1/endpoints", {"name": "audited", "url": f"{url}/two", "secret": secret})
    changed = newest(admin, "endpoint.changed")
    assert changed["detail"] == {"before": {"url": url}, "after": {"url": f"{url}/two"}}
    admin("DELETE", "/v1/endpoints/audited")
    removed = newest(admin, "endpoint.removed")
    assert (removed["object"], removed["detail"]["after"], removed["ip"]) == ("endpoint:audited", None, "127.0.0.1")
    text = admin("GET", "/v1/audit?limit=200&object=endpoint:audited").text
    assert secret not in text and "sealed:" not in text


def test_a_removed_route_stands_in_the_log(admin: Api) -> None:
    document = {"routes": [{"name": "audited", "match": {"country": "AQ"}, "via": ["quick"]}]}
    assert admin("POST", "/v1/apply", {"document": document}).status_code == 200
    assert admin("DELETE", "/v1/declared/route/audited").status_code == 200
    assert newest(admin, "route.removed")["detail"]["before"]["match"] == {"country": "AQ"}


def test_pauses_keys_and_consents_say_from_where(admin: Api) -> None:
    admin("PUT", "/v1/pauses", {"scope": "kind", "value": "support"})
    admin("DELETE", "/v1/pauses?scope=kind&value=support")
    admin("POST", "/v1/consents", {"to": "+447700900956", "action": "opt_out"})
    key = admin("POST", "/v1/keys", {"name": "goes"}).json()["id"]
    admin("POST", f"/v1/keys/{key}/rotate", {"overlap": "1h"})
    admin("POST", f"/v1/keys/{key}/revoke")
    for action in ("pause.set", "pause.lifted", "consent.opt_out", "key.rotated", "key.ending", "key.revoked"):
        assert newest(admin, action)["ip"] == "127.0.0.1", action
    assert newest(admin, "pause.set")["detail"] == {"before": {"paused": False}, "after": {"paused": True}}
    assert newest(admin, "key.revoked")["detail"]["after"]["revoked_at"]


def test_an_export_is_whole_and_an_entry_of_its_own(admin: Api) -> None:
    admin("POST", "/v1/keys", {"name": "=exported"})
    lines = admin("GET", "/v1/audit/export?action=key.*")
    assert lines.headers["content-type"] == "application/x-ndjson"
    entries = [json.loads(line) for line in lines.text.splitlines()]
    assert entries == admin("GET", "/v1/audit?limit=200&action=key.*").json()["data"]
    assert newest(admin, "audit.exported")["detail"] == {"action": "key.*", "format": "jsonl"}
    table = admin("GET", "/v1/audit/export?action=key.*&format=csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["id"] for row in rows] == [entry["id"] for entry in entries]


def test_only_who_may_export_exports(server: Server, admin: Api) -> None:
    reader, exporter = Api(server, server.key("messages:read")), Api(server, server.key("exports:read"))
    assert reader("GET", "/v1/audit/export").status_code == 403
    assert exporter("GET", "/v1/audit/export").status_code == 200
    assert exporter("GET", "/v1/audit").status_code == 403


def test_the_chain_is_intact_and_an_anchor_is_found_in_it(server: Server, admin: Api) -> None:
    anchor = server.run("audit", "head")
    text = f"{anchor['entry']}:{anchor['hash']}"
    admin("POST", "/v1/keys", {"name": "after the anchor"})
    found = admin("GET", f"/v1/audit/verify?anchor={text}").json()
    assert (found["intact"], found["faults"]) == (True, [])
    assert found["head"]["entry"] > anchor["entry"]
    forged = admin("GET", f"/v1/audit/verify?anchor={anchor['entry']}:{'0' * 64}").json()
    assert (forged["intact"], forged["faults"][0]["entry"]) == (False, anchor["entry"])
    assert admin("GET", "/v1/audit/verify?anchor=nonsense").json()["code"] == "bad_anchor"


def test_other_workspaces_neither_see_nor_check_it(server: Server, admin: Api) -> None:
    server.run("workspaces", "create", "auditless")
    other = Api(server, server.key("admin", workspace="auditless"))
    admin("POST", "/v1/keys", {"name": "not for others"})
    assert "not for others" not in other("GET", "/v1/audit?limit=200").text
    assert "not for others" not in other("GET", "/v1/audit/export").text
    assert other("GET", "/v1/audit/verify").json()["code"] == "foreign_workspace"
