"""An application of FastAPI that sends, verifies phones, and hears what became of it.

Run it: `pip install fastapi uvicorn httpx standardwebhooks`, then

    HELIOGRAPH_KEY=hg_test_… WEBHOOK_SECRET=whsec_… uvicorn examples.fastapi_app.app:app

The receiver keeps each event under its id and answers; a task works through what is kept. So repeats do no harm, a slow
step makes nobody wait, and what a crash interrupts is done after the next start.
"""

import asyncio
import json
import logging
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel
from standardwebhooks import Webhook, WebhookVerificationError

ENDS = ("undelivered", "failed", "rejected", "expired", "canceled")
RANK = {"queued": 2, "sent": 4, **dict.fromkeys(ENDS, 5), "delivered": 6, "read": 7}  # states only go forward
KEY, SECRET = {"Authorization": f"Bearer {os.environ['HELIOGRAPH_KEY']}"}, Webhook(os.environ["WEBHOOK_SECRET"])
gateway = httpx.AsyncClient(base_url=os.environ.get("HELIOGRAPH_URL", "http://127.0.0.1:8080"), headers=KEY)
database = sqlite3.connect(os.environ.get("DATABASE", "app.db"), isolation_level=None, check_same_thread=False)
database.executescript("""
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, event TEXT, is_done INTEGER DEFAULT 0);
    CREATE TABLE IF NOT EXISTS notices (reference TEXT PRIMARY KEY, status TEXT);
""")


class Notice(BaseModel):
    reference: str  # yours: an order, an appointment
    to: str
    text: str


class Phone(BaseModel):
    to: str


class Code(BaseModel):
    verification: str  # in a real application this stands in the session, never in the request
    code: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.arrived = asyncio.Event()
    worker = asyncio.create_task(work())
    yield
    worker.cancel()


app = FastAPI(lifespan=lifespan)


async def ask(path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = await gateway.post(path, json=body, headers=headers)
    found: dict[str, Any] = answer.json()
    if answer.is_error:
        raise HTTPException(answer.status_code, found["detail"])
    return found


@app.post("/notify", status_code=202)
async def notify(notice: Notice) -> dict[str, str]:
    """The reference makes repeating safe, and comes back with every event. Those may be quicker."""
    database.execute("INSERT INTO notices VALUES (?, 'queued') ON CONFLICT DO NOTHING", (notice.reference,))
    body = {"to": notice.to, "text": notice.text, "correlation_id": notice.reference}
    sent = await ask("/v1/messages", body, **{"Idempotency-Key": f"notice-{notice.reference}"})
    return {"id": sent["id"]}


@app.get("/notices/{reference}")
async def show(reference: str) -> dict[str, str]:
    found = database.execute("SELECT status FROM notices WHERE reference = ?", (reference,)).fetchone()
    if found is None:
        raise HTTPException(404)
    return {"status": found[0]}


@app.post("/phones", status_code=201)
async def verify(phone: Phone, request: Request) -> dict[str, Any]:
    started = await ask("/v1/verifications", {"to": phone.to, "ip": request.client.host if request.client else None})
    return {name: started[name] for name in ("id", "expires_at", "test_code")}  # test_code: with test keys alone


@app.post("/phones/check")
async def check(code: Code) -> dict[str, bool]:
    checked = await ask(f"/v1/verifications/{code.verification}/check", {"code": code.code})
    return {"is_theirs": checked["is_approved"]}


@app.post("/hooks/heliograph", status_code=204)
async def receive(request: Request) -> Response:
    body = await request.body()  # the exact bytes: they are what is signed
    try:
        event = SECRET.verify(body, dict(request.headers))
    except WebhookVerificationError:
        return Response(status_code=401)
    database.execute("INSERT INTO inbox (id, event) VALUES (?, ?) ON CONFLICT DO NOTHING", (event["id"], body.decode()))
    app.state.arrived.set()
    return Response(status_code=204)


async def work() -> None:
    while True:
        app.state.arrived.clear()
        for row, event in database.execute("SELECT id, event FROM inbox WHERE NOT is_done ORDER BY rowid").fetchall():
            try:
                process(json.loads(event))
            except Exception:  # one that can't be worked on stays, and keeps nobody else from theirs
                logging.exception("event %s", row)
            else:
                database.execute("UPDATE inbox SET is_done = 1 WHERE id = ?", (row,))
        await app.state.arrived.wait()


def process(event: dict[str, Any]) -> None:
    """May be slow, may be asked twice about the same event: after a crash between the two lines above."""
    status, reference = event["data"].get("status"), event["data"].get("correlation_id")
    known = database.execute("SELECT status FROM notices WHERE reference = ?", (reference,)).fetchone()
    if event["type"].startswith("message.") and known and RANK.get(status, 0) > RANK[known[0]]:
        database.execute("UPDATE notices SET status = ? WHERE reference = ?", (status, reference))
