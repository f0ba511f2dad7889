"""An application with smpplib, a client that we did not write."""

import time
from contextlib import suppress
from typing import Any

import smpplib.client
import smpplib.consts

from heliograph.smpp import receipts


class App:
    """An application with smpplib: submits, and keeps what it hears."""

    def __init__(self, port: int, account: dict[str, Any], *, mode: str = "transceiver") -> None:
        self.client = smpplib.client.Client("127.0.0.1", port, timeout=10, allow_unknown_opt_params=True)
        self.answers: list[Any] = []
        self.heard: list[Any] = []
        self.client.set_message_sent_handler(self._answered)
        self.client.set_message_received_handler(self._hear)
        self.client.set_error_pdu_handler(self._answered)
        self.client.connect()
        try:
            getattr(self.client, f"bind_{mode}")(system_id=account["system_id"], password=account["password"])
        except Exception:
            self.client.disconnect()
            raise

    def _answered(self, pdu: Any, **_: Any) -> None:
        self.answers.append(pdu)

    def _hear(self, pdu: Any, **_: Any) -> int:
        self.heard.append(pdu)
        return 0

    def submit(self, to: str = "447700900123", text: str = "Hello", **more: Any) -> Any:
        """One submit_sm, in one part; its answer."""
        fields = {
            "source_addr_ton": smpplib.consts.SMPP_TON_ALNUM,
            "source_addr": "Acme",
            "dest_addr_ton": smpplib.consts.SMPP_TON_INTL,
            "destination_addr": to,
            "short_message": text.encode(),
            "registered_delivery": True,
        }
        before = len(self.answers)
        self.client.send_message(**fields | more)
        self.until(lambda: len(self.answers) > before)
        return self.answers[-1]

    def until(self, holds: Any, within_s: float = 10.0) -> None:
        end = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < end, "not in time"
            self.client.read_once(auto_send_enquire_link=False)

    def receipt(self, place: int = 0) -> receipts.Receipt:
        self.until(lambda: len(self.heard) > place)
        found = receipts.read(self.heard[place].short_message.decode())
        assert found is not None
        return found

    def __enter__(self) -> "App":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with suppress(Exception):  # however smpplib says that the server was faster
            self.client.unbind()
        self.client.disconnect()


def id_of(answer: Any) -> str:
    """The message that an answer names."""
    return answer.message_id.decode() if isinstance(answer.message_id, bytes) else answer.message_id
