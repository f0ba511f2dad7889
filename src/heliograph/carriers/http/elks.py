"""46elks: https://46elks.com/docs/send-sms"""

from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import OUR_CODES, accepted, by_status
from heliograph.carriers.http.fields import amount_of, count_of, dict_of, string_of
from heliograph.carriers.http.proof import basic
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, Thanks, fact_of
from heliograph.core.failures import PERMANENT
from heliograph.core.message import Outcome, Receipt

_STATES: Final = {"created": "queued", "sent": "sent", "delivered": "delivered", "failed": "undelivered"}


class Settings(provider.Settings, kw_only=True):
    """An account of 46elks."""

    username: str
    password: str
    currency_of_account: str = "EUR"  # costs come as 10,000ths of it


class Elks(provider.Provider):
    """Signs nothing: the token in the callback URL is the proof."""

    settings_type = Settings
    host = "https://api.46elks.com"

    def request(self, text: Text) -> Call:
        form = [("from", text.sender or ""), ("to", text.to), ("message", text.text)]
        if text.status_url is not None:
            form.append(("whendelivered", text.status_url))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": basic(self.settings.username, self.settings.password),
        }
        return Call("POST", f"{self.base}/a1/sms", headers, urlencode(form).encode())

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = dict_of(answer.json())
        carrier_id = string_of(said.get("id"))
        if answer.status == 200 and carrier_id:
            return accepted(carrier_id, **self._price(said.get("cost")), parts=count_of(said.get("parts")))
        if answer.status == 403:  # wrong number, text or sender, said in plain text
            return Outcome("refused", failure=PERMANENT, code=OUR_CODES[PERMANENT], carrier_code="403")
        return by_status(answer)

    def read(self, callback: Callback) -> Heard:
        form = callback.form()
        if form.get("direction") == "incoming":
            return Heard(
                inbound=[
                    self.inbound(
                        sender=form.get("from", ""),
                        to=form.get("to", ""),
                        text=form.get("message", ""),
                        at=callback.at,
                        carrier_id=form.get("id"),
                    )
                ]
            )
        state = _STATES.get(form.get("status", "").lower())
        if state is None or "id" not in form:
            return Heard()
        failure = "unknown" if state == "undelivered" else None
        return Heard([Receipt(self.name, form["id"], fact_of(state), callback.at, failure, ref=callback.ref())])

    def thanks(self, callback: Callback) -> Thanks:
        return Thanks(204)

    def _price(self, cost: object) -> dict[str, str]:
        price = amount_of(Decimal(cost) / 10_000) if type(cost) is int else None
        return {"price": price, "currency": self.settings.currency_of_account} if price else {}
