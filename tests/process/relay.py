"""A mail relay that we did not write, on a real socket: aiosmtpd, with manners that the recipient's name chooses."""

import asyncio
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "acme", "s3cret-word"
AT_RECIPIENT = {
    "gone": "550 5.1.1 <GONE@example.com> no such user",
    "busy": "451 4.3.2 try again",
    "denied": "550 5.7.1 relaying denied",
    "full": "452 4.2.2 mailbox full",
    "plain": "550 no",
    "closing": "421 4.3.2 going down",
}
AT_MESSAGE = {"spam": "554 5.7.1 looks like spam", "large": "552 5.3.4 too large", "later": "451 4.7.1 greylisted"}


class Relay(Controller):
    """What was taken stands in `taken`. `is_locked`: nobody gets in without USER and PASSWORD, over TLS."""

    def __init__(self, folder: Path, *, tls: str = "starttls", is_locked: bool = True) -> None:
        authority = trustme.CA()
        self.ca = folder / "relay-ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self.context)
        self.tls = tls
        self.taken: list[tuple[Envelope, EmailMessage]] = []
        self.open: list[Envelope] = []  # whose answer takes its time
        self.connections = 0
        self.auth: dict[str, Any] = (
            {"authenticator": _authenticate, "auth_required": True, "auth_require_tls": tls == "starttls"}
            if is_locked
            else {}
        )
        super().__init__(self, hostname="127.0.0.1", port=0, ssl_context=self.context if tls == "tls" else None)

    def factory(self) -> SMTP:
        self.connections += 1
        more = {"tls_context": self.context, "require_starttls": True} if self.tls == "starttls" else {}
        return SMTP(self, hostname="relay.example", loop=self.loop, **self.auth, **more)

    def _trigger_server(self) -> None:
        """Instead of asking itself whether it is there: its port, which it chose itself."""
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        self._factory_invoked.set()
        self.smtpd = self.factory()
        self.connections = 0

    # -- what aiosmtpd calls

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        refusal = AT_RECIPIENT.get(address.partition("@")[0])
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        local = envelope.rcpt_tos[0].partition("@")[0]
        if local == "drop":
            assert server.transport is not None
            server.transport.abort()
            return ""
        if local == "slow":
            self.open.append(envelope)
            await asyncio.sleep(3)
        if local in AT_MESSAGE:
            return AT_MESSAGE[local]
        content = envelope.content
        assert isinstance(content, bytes)
        self.taken.append((envelope, message_from_bytes(content, policy=policy.default)))  # type: ignore[arg-type]
        return "250 2.0.0 taken"

    def settings(self, **more: Any) -> dict[str, Any]:
        """Of a connector to it."""
        login = {"username": USER, "password": PASSWORD} if self.auth else {}
        return {
            "kind": "smtp",
            "host": "localhost" if self.tls != "none" else "127.0.0.1",
            "port": self.port,
            "security": self.tls,
            "tls_ca": str(self.ca),
            "sender": "Acme <hello@acme.example>",
            **login,
            **more,
        }


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)
