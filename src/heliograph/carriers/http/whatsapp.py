"""WhatsApp, the Cloud API: https://developers.facebook.com/docs/whatsapp/cloud-api"""

from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
from msgspec import Meta

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import Code, accepted, by_status, codes, our_code, refused
from heliograph.carriers.http.fields import dict_of, dicts_of, first_of, string_of, word_of
from heliograph.carriers.http.proof import hmac_hex, same
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, Thanks, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.channels import WHATSAPP
from heliograph.core.channels.whatsapp import PREFIX, Template, content_of
from heliograph.core.failures import PERMANENT
from heliograph.core.message import Inbound, Outcome, Receipt

_STATES: Final = frozenset({"sent", "delivered", "read", "failed"})
_ENDS: Final = ("undelivered", "refused", "expired")


class Settings(provider.Settings, kw_only=True):
    """A business number."""

    phone_number_id: str
    number: Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}$")]  # as people see it
    access_token: str
    app_secret: str  # proves webhooks
    verify_token: str  # with it the webhook's address is confirmed once
    api_version: Annotated[str, Meta(pattern=r"^v\d+\.\d+$")] = "v23.0"


class WhatsApp(provider.Provider):
    """Signs bodies with HMAC-SHA256; statuses bring our reference back."""

    capabilities = Capabilities(receipts=True, inbound=True, alphanumeric=False, channels=frozenset({WHATSAPP}))
    settings_type = Settings
    host = "https://graph.facebook.com"
    signing = "app_secret"

    def refusal(self, text: Text) -> Outcome | None:
        """Who asks for another number of ours must not get this one."""
        if text.sender in (None, f"{PREFIX}{self.settings.number}"):
            return None
        return Outcome("refused", failure=PERMANENT, code="sender_refused", elsewhere=True)

    def request(self, text: Text) -> Call:
        template = content_of(text.content).template
        body: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": text.digits,
            "biz_opaque_callback_data": text.ref,
        }
        if template is None:
            body |= {"type": "text", "text": {"body": text.text, "preview_url": False}}
        else:
            body |= {"type": "template", "template": _written(template)}
        own = self.settings
        url = f"{self.base}/{own.api_version}/{quote(own.phone_number_id, safe='')}/messages"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {own.access_token}"}
        return Call("POST", url, headers, msgspec.json.encode(body))

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = dict_of(answer.json())
        carrier_id, code = string_of(first_of(said.get("messages")).get("id")), _code(dict_of(said.get("error")))
        if answer.status == 200 and carrier_id:
            return accepted(carrier_id)
        if 400 <= answer.status < 500 and code:
            return refused("whatsapp", code, answer)
        return by_status(answer)

    def verify(self, callback: Callback) -> str | None:
        if callback.method != "GET":
            return super().verify(callback)
        given = dict(callback.query()).get("hub.verify_token", "")
        wanted = self.settings.verify_token
        return None if wanted and same(given, wanted) else "hub.verify_token is wrong"

    def forged(self, callback: Callback) -> str | None:
        given = callback.headers.get("x-hub-signature-256", "")
        wanted = f"sha256={hmac_hex('sha256', self.settings.app_secret, callback.body)}"
        return None if same(given, wanted) else "X-Hub-Signature-256 is not that of this body"

    def read(self, callback: Callback) -> Heard:
        receipts: list[Receipt] = []
        inbound: list[Inbound] = []
        for entry in dicts_of(dict_of(callback.json()).get("entry")):
            for change in dicts_of(entry.get("changes")):
                value = dict_of(change.get("value"))
                if string_of(dict_of(value.get("metadata")).get("phone_number_id")) != self.settings.phone_number_id:
                    continue  # the account has more numbers: each has a connector of its own
                receipts += [r for status in dicts_of(value.get("statuses")) for r in self._report(status, callback.at)]
                inbound += [i for said in dicts_of(value.get("messages")) for i in self._message(said, callback.at)]
        return Heard(receipts, inbound)

    def thanks(self, callback: Callback) -> Thanks:
        challenge = dict(callback.query()).get("hub.challenge", "") if callback.method == "GET" else ""
        return Thanks(body=challenge.encode())

    def _report(self, status: dict[str, Any], at: int) -> list[Receipt]:
        carrier_id, word = string_of(status.get("id")), string_of(status.get("status")).lower()
        if not carrier_id or word not in _STATES:
            return []
        fact, ref = fact_of(word), string_of(status.get("biz_opaque_callback_data")) or None
        if fact not in _ENDS:
            return [Receipt(self.name, carrier_id, fact, at, ref=ref)]
        code = _code(first_of(status.get("errors")))
        failure = codes("whatsapp").get(code, Code()).failure
        ours = our_code(failure, "whatsapp", code)
        return [Receipt(self.name, carrier_id, fact, at, failure, ours, code or None, ref=ref)]

    def _message(self, said: dict[str, Any], at: int) -> list[Inbound]:
        sender, carrier_id = string_of(said.get("from")), string_of(said.get("id"))
        if not sender or not carrier_id:
            return []
        found = self.inbound(sender=sender, to="", text=_text(said), at=at, carrier_id=carrier_id)
        return [msgspec.structs.replace(found, to=f"{PREFIX}{self.settings.number}")]


def _written(template: Template) -> dict[str, Any]:
    """As the API wants it."""
    parts: list[dict[str, Any]] = []
    if template.header_variables:
        parts.append({"type": "header", "parameters": _texts(template.header_variables)})
    if template.variables:
        parts.append({"type": "body", "parameters": _texts(template.variables)})
    for place, value in enumerate(template.button_variables):
        parts.append({"type": "button", "sub_type": "url", "index": str(place), "parameters": _texts([value])})
    named = {"name": template.name, "language": {"code": template.language}}
    return {**named, "components": parts} if parts else named


def _texts(values: list[str]) -> list[dict[str, str]]:
    return [{"type": "text", "text": value} for value in values]


def _text(said: dict[str, Any]) -> str:
    """What a person wrote or chose; of pictures and the like, what is written below them."""
    kind = string_of(said.get("type"))
    part = dict_of(said.get(kind))
    if kind == "interactive":
        part = dict_of(part.get(string_of(part.get("type"))))
    return string_of(part.get("body") or part.get("text") or part.get("title") or part.get("caption"))


def _code(error: dict[str, Any]) -> str:
    return word_of(error.get("code"))
