"""A CRM and the gateway, kept in step.

The CRM is the system of record for people: `push` brings them to the gateway, by the CRM's own ids, as often as you
like. The gateway is the system of record for what people said: signed events bring opt-outs, opt-ins and what became of
messages back to the CRM.

    pip install fastapi uvicorn httpx standardwebhooks
    HELIOGRAPH_KEY=hg_… python examples/crm/sync.py push people.csv
    HELIOGRAPH_KEY=hg_… WEBHOOK_SECRET=whsec_… uvicorn examples.crm.sync:app

The key needs `consent:manage`. `people.csv` has the columns id, name, phone, email, language. The CRM here is a table
of SQLite; put yours in its place.
"""

import csv
import os
import sqlite3
import sys
from typing import Any

import httpx
from fastapi import BackgroundTasks, FastAPI, Request, Response
from standardwebhooks import Webhook, WebhookVerificationError

KEY = {"Authorization": f"Bearer {os.environ['HELIOGRAPH_KEY']}"}
gateway = httpx.Client(base_url=os.environ.get("HELIOGRAPH_URL", "http://127.0.0.1:8080"), headers=KEY, timeout=20)
crm = sqlite3.connect(os.environ.get("DATABASE", "crm.db"), isolation_level=None, check_same_thread=False)
crm.executescript("""
    CREATE TABLE IF NOT EXISTS people (id TEXT PRIMARY KEY, phone TEXT, no_texts INTEGER DEFAULT 0);
    CREATE TABLE IF NOT EXISTS activities (event TEXT PRIMARY KEY, phone TEXT, what TEXT, is_done INTEGER DEFAULT 0);
""")


def push(path: str) -> dict[str, int]:
    """Create who is new, change who is known. Whoever shares a number with somebody else takes it over."""
    done = {"created": 0, "changed": 0, "refused": 0}
    with open(path, newline="", encoding="utf-8") as file:
        for person in csv.DictReader(file):
            body = {
                "external_id": person["id"],
                "name": person["name"] or None,
                "locale": person["language"] or None,
                "addresses": [address for address in (person["phone"], person["email"]) if address],
            }
            known = gateway.get("/v1/contacts", params={"external_id": person["id"]}).raise_for_status().json()["data"]
            path_, method = (f"/v1/contacts/{known[0]['id']}", "PATCH") if known else ("/v1/contacts", "POST")
            answer = gateway.request(method, path_, json=body)
            if answer.is_error:
                done["refused"] += 1
                print(f"{person['id']}: {answer.json()['detail']}", file=sys.stderr)
                continue
            done["changed" if known else "created"] += 1
            phone = next((a["address"] for a in answer.json()["addresses"] if a["address"].startswith("+")), None)
            crm.execute(
                "INSERT INTO people (id, phone) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET phone = ?2",
                (person["id"], phone),
            )
    return done


app = FastAPI()


@app.post("/hooks/heliograph", status_code=204)
async def receive(request: Request, after: BackgroundTasks) -> Response:
    body = await request.body()
    try:
        event = Webhook(os.environ["WEBHOOK_SECRET"]).verify(body, dict(request.headers))
    except WebhookVerificationError:
        return Response(status_code=401)
    number = event["data"].get("number") or event["data"].get("to") or ""
    # Kept under its id before the answer; a repeat is no news.
    values = (event["id"], number, event["type"])
    crm.execute("INSERT INTO activities (event, phone, what) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", values)
    after.add_task(write_back)
    return Response(status_code=204, background=after)


def write_back() -> None:
    """After the answer: all that is not done yet, also of before a crash.

    Consent is asked for anew. Events may overtake each other; what the gateway answers now is what holds.
    """
    for event, number, what in crm.execute("SELECT event, phone, what FROM activities WHERE NOT is_done").fetchall():
        if what in ("contact.opted_out", "contact.opted_in"):
            found: dict[str, Any] = gateway.get("/v1/consents", params={"to": number}).raise_for_status().json()
            no_texts = found["may_send"]["transactional"] != "yes"
            crm.execute("UPDATE people SET no_texts = ? WHERE phone = ?", (no_texts, number))
        crm.execute("UPDATE activities SET is_done = 1 WHERE event = ?", (event,))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["push", path]:
            print(push(path))
        case _:
            sys.exit("usage: sync.py push people.csv")
