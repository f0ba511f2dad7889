"""A shop: it ships an order, texts the customer, shows on the order's page what became of the text, and writes an
e-mail if it could not be delivered.

Run it: `pip install flask requests standardwebhooks`, then

    HELIOGRAPH_KEY=hg_test_… WEBHOOK_SECRET=whsec_… SMTP=localhost:25 flask --app examples/orders/app run

and an endpoint of the gateway for `message.*` at /hooks/heliograph. Nothing here happens twice: the order's number is
the idempotency key of the text, an event is kept under its id, and an e-mail is claimed before it is written.
"""

import os
import smtplib
import sqlite3
import threading
from email.message import EmailMessage

import requests
from flask import Flask, abort, redirect, render_template_string, request
from standardwebhooks import Webhook, WebhookVerificationError
from werkzeug.wrappers import Response

URL = os.environ.get("HELIOGRAPH_URL", "http://127.0.0.1:8080")
HEADERS = {"Authorization": f"Bearer {os.environ['HELIOGRAPH_KEY']}"}
SECRET = Webhook(os.environ["WEBHOOK_SECRET"])
DATABASE = os.environ.get("DATABASE", "orders.db")
ENDS = ("undelivered", "failed", "rejected", "expired", "canceled")
RANK = {"new": 0, "queued": 2, "sent": 4, **dict.fromkeys(ENDS, 5), "delivered": 6, "read": 7}
PAUSE_S = 5
PAGE = """<!doctype html><title>Order {{ order.id }}</title><h1>Order {{ order.id }}</h1>
{% if order.status == "new" %}<form method="post" action="/orders/{{ order.id }}/ship"><button>Ship it</button></form>
{% else %}<p>Shipped. Text to {{ order.phone }}: <b>{{ order.status }}</b></p>
{% if order.mailed %}<p>It did not arrive, so an e-mail went to {{ order.email }}.</p>{% endif %}{% endif %}"""
app = Flask(__name__)
arrived = threading.Event()


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(DATABASE, isolation_level=None, timeout=20)
    connection.row_factory = sqlite3.Row
    return connection


database().executescript("""
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, phone TEXT, email TEXT, status TEXT DEFAULT 'new',
                                       mailed INTEGER DEFAULT 0);
    CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, order_id TEXT, status TEXT, done INTEGER DEFAULT 0);
""")


@app.post("/orders")
def create() -> tuple[str, int]:
    values = [request.form[name] for name in ("id", "phone", "email")]
    database().execute("INSERT INTO orders (id, phone, email) VALUES (?, ?, ?)", values)
    return values[0], 201


@app.get("/orders/<number>")
def show(number: str) -> str:
    order = database().execute("SELECT * FROM orders WHERE id = ?", (number,)).fetchone() or abort(404)
    return render_template_string(PAGE, order=order)


@app.post("/orders/<number>/ship")
def ship(number: str) -> Response:
    """A second click, or a second try after a time-out, sends nothing again."""
    order = database().execute("SELECT * FROM orders WHERE id = ?", (number,)).fetchone() or abort(404)
    answer = requests.post(
        f"{URL}/v1/messages",
        headers={**HEADERS, "Idempotency-Key": f"order-{number}-shipped"},
        json={
            "to": order["phone"],
            "text": f"Your order {number} has left our house.",
            "kind": "transactional",
            "correlation_id": number,
            "valid_for": "1d",
            "tags": ["order-shipped"],
        },
        timeout=10,
    )
    status = "queued" if answer.ok else "rejected"  # such as opted_out: then the e-mail has to do
    database().execute("UPDATE orders SET status = ? WHERE id = ? AND status = 'new'", (status, number))
    arrived.set()
    return redirect(f"/orders/{number}")


@app.post("/hooks/heliograph")
def receive() -> tuple[str, int]:
    try:
        event = SECRET.verify(request.get_data(), dict(request.headers))
    except WebhookVerificationError:
        return "", 401
    values = (event["id"], event["data"].get("correlation_id"), event["data"].get("status"))
    database().execute("INSERT INTO inbox (id, order_id, status) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", values)
    arrived.set()
    return "", 204


def work() -> None:
    """Works through what has come, and writes the e-mails that are due."""
    own = database()
    while True:
        arrived.clear()
        for event in own.execute("SELECT * FROM inbox WHERE NOT done ORDER BY rowid").fetchall():
            order = own.execute("SELECT * FROM orders WHERE id = ?", (event["order_id"],)).fetchone()
            if order and RANK.get(event["status"], 0) > RANK[order["status"]]:
                own.execute("UPDATE orders SET status = ? WHERE id = ?", (event["status"], order["id"]))
            own.execute("UPDATE inbox SET done = 1 WHERE id = ?", (event["id"],))
        marks = ", ".join("?" for _ in ENDS)
        for order in own.execute(f"SELECT * FROM orders WHERE status IN ({marks}) AND NOT mailed", ENDS).fetchall():
            claimed = own.execute("UPDATE orders SET mailed = 1 WHERE id = ? AND NOT mailed", (order["id"],))
            if claimed.rowcount and not write(order):  # of several workers one
                own.execute("UPDATE orders SET mailed = 0 WHERE id = ?", (order["id"],))
        arrived.wait(PAUSE_S)


def write(order: sqlite3.Row) -> bool:
    """Did the mail server take it? If not, it is tried again."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.com", order["email"], f"Your order {order['id']}"
    mail.set_content("It has left our house. We could not reach your phone, so we write.")
    host, _, port = os.environ.get("SMTP", "localhost:25").partition(":")
    try:
        with smtplib.SMTP(host, int(port or 25), timeout=20) as server:
            server.send_message(mail)
    except (OSError, smtplib.SMTPException):
        return False
    return True


threading.Thread(target=work, daemon=True).start()
