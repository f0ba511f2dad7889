"""Logging in by phone: enter a number, type the code that arrives, ask for another one if none does.

Run it: `pip install flask requests`, then

    HELIOGRAPH_URL=http://127.0.0.1:8080 HELIOGRAPH_KEY=hg_test_… flask --app app run

The key needs the scopes `verify` and `messages:read`. Nobody but the gateway ever sees a code; the browser's session
only knows which verification is its own.
"""

import os
import secrets

import requests
from flask import Flask, redirect, render_template_string, request, session
from werkzeug.wrappers import Response

URL = os.environ.get("HELIOGRAPH_URL", "http://127.0.0.1:8080")
HEADERS = {"Authorization": f"Bearer {os.environ['HELIOGRAPH_KEY']}"}
PLAN = [{"channel": "sms", "wait_s": 20}, {"channel": "sms"}]  # no receipt in 20 s, or a failure: another route
NOT_ARRIVED = ("undelivered", "failed", "rejected", "expired")
PAGE = """<!doctype html><title>Log in</title>
{% if note %}<p role="alert">{{ note }}</p>{% endif %}
{% if phone %}<p>Welcome, {{ phone }}.</p>{% else %}<form method="post" action="/start">
<label>Your phone <input name="to" type="tel" autocomplete="tel" required></label><button>Send me a code</button></form>
{% if is_started %}<form method="post" action="/check">
<label>Code <input name="code" autocomplete="one-time-code" inputmode="numeric" required></label><button>Log in</button>
</form><form method="post" action="/resend"><button>No code came? Send it again</button></form>{% endif %}{% endif %}"""

app = Flask(__name__)
app.secret_key = os.environ.get("APP_SECRET") or secrets.token_bytes(32)
app.config.update(SESSION_COOKIE_SAMESITE="Strict", SESSION_COOKIE_HTTPONLY=True)


def ask(path: str, body: dict[str, object] | None = None) -> tuple[bool, dict[str, str]]:
    """One call of the gateway: did it work, and what did it say?"""
    method = "GET" if body is None else "POST"
    answer = requests.request(method, f"{URL}/v1/{path}", json=body, headers=HEADERS, timeout=10)
    return answer.ok, answer.json()


@app.get("/")
def show(note: str = "") -> str:
    is_started = "verification" in session
    if is_started and not note:  # did it arrive? The plan has gone on by itself; what is left is for the person to do
        _, known = ask(f"verifications/{session['verification']}")
        _, text = ask(f"messages/{known['message_id']}")
        note = "It did not arrive. Is this the right number?" if text.get("status") in NOT_ARRIVED else ""
    return render_template_string(PAGE, is_started=is_started, note=note, phone=session.get("phone"))


@app.post("/start")
def start() -> Response | str:
    ok, found = ask(
        "verifications", {"to": request.form["to"], "plan": PLAN, "purpose": "login", "ip": request.remote_addr}
    )
    if not ok:
        return show("We can't text this number." if found["code"] != "verification_delayed" else "Try again later.")
    session.clear()
    session["verification"], session["to"] = found["id"], found["to"]
    return redirect("/")


@app.post("/check")
def check() -> Response | str:
    _, found = ask(f"verifications/{session['verification']}/check", {"code": request.form["code"]})
    if not found.get("is_approved"):
        return show("That is not the code.")
    phone = session["to"]
    session.clear()
    session["phone"] = phone
    return redirect("/")


@app.post("/resend")
def resend() -> str:
    ok, found = ask(f"verifications/{session['verification']}/resend", {})
    return show("Another one is on its way." if ok else found["detail"])
