"""Twilio: https://www.twilio.com/docs/messaging/api/message-resource"""

from collections.abc import Sequence
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import Code, accepted, by_status, codes, our_code, refused
from heliograph.carriers.http.fields import amount_of, count_of, decimal_of, dict_of, string_of, word_of
from heliograph.carriers.http.looking import looked
from heliograph.carriers.http.proof import basic, hmac_base64, same, sha256_hex
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, Thanks, fact_of
from heliograph.carriers.port import Capabilities
from heliograph.core.channels import MMS, RCS, SMS
from heliograph.core.channels.mms import urls
from heliograph.core.channels.rcs import PREFIX as RCS_PREFIX
from heliograph.core.lookups import Looked
from heliograph.core.message import Outcome, Receipt

# Their words are ours; what is not among them (partially_delivered) belongs to other channels.
_STATES: Final = frozenset(
    {"accepted", "scheduled", "queued", "sending", "sent", "delivered", "read", "undelivered", "failed", "canceled"}
)
_VALIDITY_OVER: Final = "30036"  # it waited too long in their queue and was not sent; the word is failed
_LONGEST_S: Final = 36_000  # Twilio keeps no text longer, and each text so long when nothing is said
_LOOKUPS: Final = "https://lookups.twilio.com"
_PORTS: Final = {"https": "443", "http": "80"}


class Settings(provider.Settings, kw_only=True):
    """An account of Twilio."""

    account_sid: str
    auth_token: str  # proves callbacks (or put the Shared Key here), and is the password where no API key is set
    api_key: str | None = None
    api_secret: str | None = None
    messaging_service_sid: str | None = None


class Twilio(provider.Provider):
    """Signs URL and form; the scheme has no time, so that a replay shows only in what it says."""

    capabilities = Capabilities(
        receipts=True, inbound=True, query=True, concatenates=True, channels=frozenset({SMS, MMS, RCS})
    )
    settings_type: ClassVar[type[provider.Settings]] = Settings
    host = "https://api.twilio.com"
    signing = "auth_token"

    @classmethod
    def check(cls, settings: Any) -> tuple[str, str] | None:
        if bool(settings.api_key) != bool(settings.api_secret):
            return "api_secret" if settings.api_key else "api_key", "an API key is api_key and api_secret: set both"
        return super().check(settings)

    def request(self, text: Text) -> Call:
        service = self.settings.messaging_service_sid
        form = [("To", f"{RCS_PREFIX}{text.to}" if text.channel == RCS else text.to)]
        if text.sender is not None:
            form.append(("From", text.sender))
        if service is not None:  # with a sender too: it then has to be one of the service's
            form.append(("MessagingServiceSid", service))
        if text.text:
            form.append(("Body", text.text))
        if text.channel != SMS:
            form += [("MediaUrl", url) for url in urls(text.content)]
        if text.status_url is not None:
            form.append(("StatusCallback", text.status_url))
        if text.valid_for_s < _LONGEST_S:
            form.append(("ValidityPeriod", str(max(1, text.valid_for_s))))
        headers = {"Content-Type": "application/x-www-form-urlencoded", **self._login()}
        return Call("POST", f"{self._account()}/Messages.json", headers, urlencode(form).encode())

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = dict_of(answer.json())
        sid, code = string_of(said.get("sid")), word_of(said.get("code"))
        if answer.status in (200, 201) and sid:
            return accepted(sid, parts=count_of(said.get("num_segments")), **_price(said))
        if 400 <= answer.status < 500 and code:
            return refused("twilio", code, answer)
        return by_status(answer)  # with 5xx the code doesn't say either whether the text was taken

    def forged(self, callback: Callback) -> str | None:
        pairs = [] if callback.method == "GET" else callback.form_pairs()
        if callback.body and not pairs:  # only the URL is signed; it has to name the body
            named = dict(callback.query()).get("bodySHA256", "")
            if not same(named, sha256_hex(callback.body)):
                return "the body is not the one that the signed URL names"
        settings = callback.headers.get("x-twilio-webhooks-signature-settings", "")
        algorithm = "sha256" if "algorithm=HMAC_SHA256" in settings else "sha1"
        form = "".join(name + value for name, value in sorted(set(pairs)))
        given = callback.headers.get("x-twilio-signature", "")
        for url in _signed_urls(callback.url):
            if same(given, hmac_base64(algorithm, self.settings.auth_token, (url + form).encode())):
                return None
        return "X-Twilio-Signature is not that of this URL and form"

    def read(self, callback: Callback) -> Heard:
        said = dict(callback.query()) if callback.method == "GET" else callback.form()
        sid = said.get("MessageSid") or said.get("SmsSid")
        word = said.get("MessageStatus") or said.get("SmsStatus", "received")
        if not sid:
            return Heard()
        if word.lower() in ("received", "receiving"):
            if "From" not in said or "Body" not in said:
                return Heard()
            sender, to, text = said["From"], said.get("To", ""), said["Body"]
            sender = sender.removeprefix(RCS_PREFIX)
            return Heard(inbound=[self.inbound(sender=sender, to=to, text=text, at=callback.at, carrier_id=sid)])
        return Heard(self._receipts(sid, word, said.get("ErrorCode"), callback.at, ref=callback.ref()))

    def thanks(self, callback: Callback) -> Thanks:
        if self.read(callback).inbound:  # a text in the answer would be sent to the person
            return Thanks(media_type="text/xml", body=b"<Response></Response>")
        return Thanks()

    def question(self, carrier_id: str) -> Call | None:
        return Call("GET", f"{self._account()}/Messages/{quote(carrier_id, safe='')}.json", self._login())

    def report(self, carrier_id: str, answer: Answer, at: int) -> Sequence[Receipt]:
        said = dict_of(answer.json())
        if answer.status != 200:
            return ()
        word, code = string_of(said.get("status")), word_of(said.get("error_code")) or None
        # A Messaging Service says 0 parts as long as it has not chosen a sender.
        return self._receipts(carrier_id, word, code, at, parts=count_of(said.get("num_segments")), **_price(said))

    def lookup_request(self, e164: str) -> Call | None:
        base = self.settings.base_url or _LOOKUPS
        url = f"{base.rstrip('/')}/v2/PhoneNumbers/{e164}?Fields=line_type_intelligence"
        return Call("GET", url, {**self._login(), "Accept": "application/json"})

    def lookup(self, answer: Answer) -> Looked | None:
        said = dict_of(answer.json())
        if answer.status != 200 or not isinstance(said.get("valid"), bool):
            return None
        line = dict_of(said.get("line_type_intelligence"))
        mcc, mnc = line.get("mobile_country_code"), line.get("mobile_network_code")
        return looked(valid=said["valid"], word=line.get("type"), carrier=line.get("carrier_name"), mcc=mcc, mnc=mnc)

    def balance_request(self) -> Call | None:
        return Call("GET", f"{self._account()}/Balance.json", self._login())

    def balance(self, answer: Answer) -> tuple[str, str] | None:
        said = dict_of(answer.json())
        amount, currency = decimal_of(said.get("balance")), string_of(said.get("currency"))
        return (amount, currency) if amount is not None and currency and answer.status == 200 else None

    def _receipts(self, sid: str, word: str, code: str | None, at: int, **more: Any) -> list[Receipt]:
        if word.lower() not in _STATES:
            return []
        fact = "expired" if code == _VALIDITY_OVER else fact_of(word.lower())
        if fact not in ("undelivered", "refused", "expired"):
            return [Receipt(self.name, sid, fact, at, **more)]
        failure = codes("twilio").get(code or "", Code()).failure
        return [Receipt(self.name, sid, fact, at, failure, our_code(failure, "twilio", code), code, **more)]

    def _account(self) -> str:
        return f"{self.base}/2010-04-01/Accounts/{self.settings.account_sid}"

    def _login(self) -> dict[str, str]:
        own = self.settings
        user, password = (own.api_key, own.api_secret) if own.api_key else (own.account_sid, own.auth_token)
        return {"Authorization": basic(user, password)}


def _price(said: dict[str, Any]) -> dict[str, str]:
    """A charge is negative for them."""
    price, currency = amount_of(string_of(said.get("price")).removeprefix("-")), string_of(said.get("price_unit"))
    return {"price": price, "currency": currency} if price and currency else {}


def _signed_urls(url: str) -> tuple[str, str]:
    """Without and with the port: their servers sign the one or the other."""
    scheme, _, rest = url.partition("#")[0].partition("://")
    host, slash, path = rest.partition("/")
    name, _, port = host.rpartition(":")
    if not name or not port.isdigit():
        name, port = host, _PORTS.get(scheme, "")
    return f"{scheme}://{name}{slash}{path}", f"{scheme}://{name}:{port}{slash}{path}"
