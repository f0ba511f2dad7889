"""The pages at the entrance: log in, second factor, set a password. Plain forms, whole without a script.

Whatever comes from outside is escaped here; nothing that a visitor gave as a password is ever shown again.
"""

from html import escape

from heliograph.console import assets

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Heliograph</title>
<link rel="stylesheet" href="{style}">
</head>
<body>
<main>
<p class="brand"><span aria-hidden="true">◐</span> Heliograph</p>
<h1>{title}</h1>
{wrong}{content}
</main>
</body>
</html>
"""


def log_in(
    *, workspace: str, email: str = "", wrong: str = "", openid: bool = False, notice: str = "", then: str = ""
) -> bytes:
    """`openid`: there is a provider who vouches for people. `then`: where they wanted to go."""
    provider = '<p class="or"><a class="button" href="/login/oidc">Log in with your organisation</a></p>'
    form = f"""<form method="post" action="/login">
{_then(then)}<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="username" required maxlength="254" value="{escape(email)}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256">
<label for="workspace">Workspace</label>
<input id="workspace" name="workspace" required maxlength="64" value="{escape(workspace)}">
<button>Log in</button>
</form>
<p class="hint">Lost your password? An owner of your workspace can give you a link to set a new one.</p>"""
    said = f'<p class="notice" role="status">{escape(notice)}</p>\n' if notice else ""
    return _page("Log in", said + (provider if openid else "") + form, wrong)


def give_code(*, wrong: str = "", then: str = "") -> bytes:
    form = f"""<form method="post" action="/login/code">
{_then(then)}<label for="code">Code of your authenticator app, or a recovery code</label>
<input id="code" name="code" autocomplete="one-time-code" required maxlength="64" autofocus>
<button>Go on</button>
</form>
<p class="hint"><a href="/login">Begin again</a></p>"""
    return _page("One more step", form, wrong)


def set_password(*, email: str, workspace: str, wrong: str = "") -> bytes:
    form = f"""<p>For <strong>{escape(email)}</strong> in the workspace <strong>{escape(workspace)}</strong>.</p>
<form method="post">
<input type="hidden" name="username" autocomplete="username" value="{escape(email)}">
<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required minlength="12" maxlength="256"
 aria-describedby="rule">
<p class="hint" id="rule">12 characters or more. Several words are easy to keep in mind.</p>
<label for="again">Once more</label>
<input id="again" name="again" type="password" autocomplete="new-password" required maxlength="256">
<button>Set the password</button>
</form>"""
    return _page("Set your password", form, wrong)


def log_out(*, email: str, csrf_token: str) -> bytes:
    form = f"""<p>You are logged in as <strong>{escape(email)}</strong>.</p>
<form method="post" action="/logout">
<input type="hidden" name="csrf_token" value="{escape(csrf_token)}">
<button>Log out</button>
</form>
<p class="hint"><a href="/console">Back to the console</a></p>"""
    return _page("Log out", form, "")


def refused(title: str, detail: str) -> bytes:
    return _page(title, '<p class="hint"><a href="/login">To the login</a></p>', detail)


def _then(place: str) -> str:
    return f'<input type="hidden" name="next" value="{escape(place)}">\n' if place else ""


def _page(title: str, content: str, wrong: str) -> bytes:
    alert = f'<p class="wrong" role="alert">{escape(wrong)}</p>\n' if wrong else ""
    return _PAGE.format(style=assets.address("entry.css"), title=escape(title), wrong=alert, content=content).encode()
