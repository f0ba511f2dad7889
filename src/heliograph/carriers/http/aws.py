"""AWS End User Messaging SMS:
https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html

Reports and replies come through SNS.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from heliograph.carriers.http import provider, sns
from heliograph.carriers.http.answers import accepted, by_status, codes, our_code, refused
from heliograph.carriers.http.fields import amount_of, count_of, dict_of, dicts_of, string_of
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, OptOuts, Text, fact_of
from heliograph.carriers.port import json_of
from heliograph.core import sigv4
from heliograph.core.message import PROMOTIONAL, Outcome, Receipt

_TTL_S: Final = (5, 259_200)
_STATES: Final = {
    "TEXT_QUEUED": "queued",
    "TEXT_PENDING": "sending",
    "TEXT_SUCCESSFUL": "sent",  # the carrier took it; in some countries the last word
    "TEXT_UNKNOWN": "sent",  # 72 hours without a report prove nothing
    "TEXT_DELIVERED": "delivered",
    **dict.fromkeys(("TEXT_INVALID", "TEXT_INVALID_MESSAGE", "TEXT_SPAM"), "undelivered"),
    **dict.fromkeys(("TEXT_UNREACHABLE", "TEXT_CARRIER_UNREACHABLE"), "undelivered"),
    **dict.fromkeys(("TEXT_BLOCKED", "TEXT_CARRIER_BLOCKED"), "undelivered"),
    "TEXT_TTL_EXPIRED": "expired",
    "TEXT_PROTECT_BLOCKED": "failed",
}
_CURRENCY: Final = "USD"


class Settings(provider.Settings, kw_only=True):
    """An account of AWS in one region."""

    region: str
    access_key_id: str
    secret: str  # the secret access key
    configuration_set: str  # its events bring the receipts
    topic_arn: str  # where the configuration set publishes its events
    inbound_topic_arn: str | None = None  # where replies are published, when not there
    signing_certificates: tuple[str, ...] = ()  # of SNS, as PEM: we never fetch what a callback names
    origination_identity: str | None = None  # for texts without a sender: a pool, number or sender ID
    max_price: str | None = None  # USD for a whole message, like 0.50
    opt_out_list: str = "Default"  # where AWS keeps who has said no


class Aws(provider.Provider):
    """Offers neither polling nor a balance; it does tell who has opted out."""

    settings_type = Settings
    host = "https://sms-voice.{region}.amazonaws.com"
    signing = "signing_certificates"

    def __init__(self, name: str, settings: Settings) -> None:
        super().__init__(name, settings)
        self.base = self.base.replace("{region}", settings.region)

    @classmethod
    def check(cls, settings: Settings) -> tuple[str, str] | None:
        if not all(map(sns.is_certificate, settings.signing_certificates)):
            return "signing_certificates", "not the PEM text of a certificate with an RSA key"
        return super().check(settings)

    def request(self, text: Text) -> Call:
        settings = self.settings
        fields = {
            "DestinationPhoneNumber": text.to,
            "OriginationIdentity": text.sender or settings.origination_identity,
            "MessageBody": text.text,
            "MessageType": "PROMOTIONAL" if text.kind == PROMOTIONAL else "TRANSACTIONAL",
            "ConfigurationSetName": settings.configuration_set,
            "MaxPrice": settings.max_price,
            "TimeToLive": max(_TTL_S[0], min(text.valid_for_s, _TTL_S[1])),
            "Context": {"attempt": text.ref},
        }
        body = msgspec.json.encode({name: value for name, value in fields.items() if value is not None})
        return self._call("SendTextMessage", body, text.at)

    def _call(self, action: str, body: bytes, at: int) -> Call:
        settings = self.settings
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"PinpointSMSVoiceV2.{action}"}
        url = f"{self.base}/"
        credentials = sigv4.Credentials(settings.access_key_id, settings.secret, settings.region, "sms-voice")
        return Call("POST", url, sigv4.signed("POST", url, headers, sigv4.digest(body), credentials, at), body)

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = dict_of(answer.json())
        carrier_id, reason = string_of(said.get("MessageId")), string_of(said.get("Reason"))
        kind = string_of(said.get("__type")).rpartition("#")[2]
        if answer.status // 100 == 2 and carrier_id:
            return accepted(carrier_id)
        if not kind:
            return by_status(answer)
        code = f"{kind}/{reason}" if reason else kind
        outcome = refused("aws", code if code in codes("aws") else kind, answer)
        if kind == "InternalServerException":  # it may have been sent
            return Outcome("unknown", failure=outcome.failure, code="unclear_answer", carrier_code=code)
        return msgspec.structs.replace(outcome, carrier_code=code)

    def forged(self, callback: Callback) -> str | None:
        return sns.forged(
            dict_of(callback.json()),
            certificates=self.settings.signing_certificates,
            topics=(self.settings.topic_arn, self.settings.inbound_topic_arn),
            at=callback.at,
        )

    def read(self, callback: Callback) -> Heard:
        envelope = dict_of(callback.json())
        if envelope.get("Type") != "Notification":
            return Heard()  # a subscription too: the operator confirms it, the adapter can't
        event = _object(envelope.get("Message"))
        sender, text = event.get("originationNumber"), event.get("messageBody")
        if isinstance(sender, str) and isinstance(text, str):
            to, carrier_id = string_of(event.get("destinationNumber")), string_of(event.get("inboundMessageId")) or None
            return Heard(inbound=[self.inbound(sender=sender, to=to, text=text, at=callback.at, carrier_id=carrier_id)])
        return Heard(self._receipts(event, callback.at))

    def opt_outs_request(self, page: str | None, at: int) -> Call | None:
        fields = {"OptOutListName": self.settings.opt_out_list} | ({"NextToken": page} if page else {})
        return self._call("DescribeOptedOutNumbers", msgspec.json.encode(fields), at)

    def opt_outs(self, answer: Answer) -> OptOuts | None:
        said = dict_of(answer.json())
        if answer.status // 100 != 2 or not isinstance(said.get("OptedOutNumbers"), list):
            return None
        numbers = [string_of(one.get("OptedOutNumber")) for one in dicts_of(said["OptedOutNumbers"])]
        return OptOuts([number for number in numbers if number], string_of(said.get("NextToken")) or None)

    def _receipts(self, event: dict[str, Any], at: int) -> Sequence[Receipt]:
        carrier_id, word = string_of(event.get("messageId")), string_of(event.get("eventType")).upper()
        state = _STATES.get(word)
        if state is None or not carrier_id:
            return ()
        failure = codes("aws")[word].failure if state in ("undelivered", "expired", "failed") else None
        price = _price(event)
        return [
            Receipt(
                self.name,
                carrier_id,
                fact_of(state),
                at,
                failure,
                our_code(failure, "aws", word) if failure else None,
                word if failure else None,
                price,
                _CURRENCY if price else None,
                ref=string_of(dict_of(event.get("context")).get("attempt")) or None,
                parts=count_of(event.get("totalMessageParts")),
            )
        ]


def _object(text: object) -> dict[str, Any]:
    """The JSON object in a string; empty when there is none."""
    return dict_of(json_of(string_of(text).encode()))


def _price(event: dict[str, Any]) -> str | None:
    """Of the whole message, with the carrier's fee, which AWS names apart."""
    amounts = [event.get("totalMessagePrice"), event.get("totalCarrierFee", 0)]
    if not all(type(amount) in (int, float) for amount in amounts):
        return None
    return amount_of(sum((Decimal(str(amount)) for amount in amounts), Decimal()).normalize())
