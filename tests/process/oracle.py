"""Twilio as far as it knows numbers: a server in a thread that says what it is told to say."""

import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


class Oracle:
    """Answers lookups; `types` says of which numbers it knows what, all others are mobiles."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.types: dict[str, str] = {}
        self.status = 200
        self.delay_s = 0.0
        self.delays_s: dict[str, float] = {}  # by number
        oracle = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                number = unquote(urlsplit(self.path).path.rpartition("/")[2])
                oracle.asked.append(number)
                time.sleep(oracle.delays_s.get(number, oracle.delay_s))
                body = json.dumps(oracle.answer(number)).encode()
                with suppress(ConnectionError):  # who asked waits no longer
                    self.send_response(oracle.status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, number: str) -> dict[str, Any]:
        line = {"type": self.types.get(number, "mobile"), "carrier_name": "Example"}
        codes = {"mobile_country_code": "234", "mobile_network_code": "10"}
        return {"phone_number": number, "valid": True, "line_type_intelligence": line | codes}

    def connector(self, name: str) -> str:
        """Its section in the gateway's file."""
        return (
            f'[connectors.{name}]\nkind = "twilio"\nbase_url = "{self.url}"\n'
            'account_sid = "AC0123456789abcdef0123456789abcdef"\nauth_token = "f4ke"\n'
        )

    def __enter__(self) -> "Oracle":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
