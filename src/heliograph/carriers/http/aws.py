"""AWS End User Messaging SMS:
https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html

Reports and replies come through SNS: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import re
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from heliograph.carriers.http import provider
from heliograph.carriers.http.answers import OUR_CODES, accepted, by_status, codes, refused
from heliograph.carriers.http.proof import is_stale
from heliograph.carriers.http.provider import Answer, Call, Callback, Heard, Text, fact_of
from heliograph.carriers.http.sigv4 import signed
from heliograph.core.message import PROMOTIONAL, Outcome, Receipt

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_HEADERS: Final = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "PinpointSMSVoiceV2.SendTextMessage",
}
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
_SUBSCRIPTION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED: Final = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _SUBSCRIPTION,
    "UnsubscribeConfirmation": _SUBSCRIPTION,
}
_CERTIFICATE_URL: Final = re.compile(r"https://sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[\w.-]+\.pem", re.ASCII)


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


class Aws(provider.Provider):
    """Offers neither polling nor a balance."""

    settings_type = Settings
    host = "https://sms-voice.{region}.amazonaws.com"
    signing = "signing_certificates"

    def __init__(self, name: str, settings: Settings, clock: Callable[[], int] | None = None) -> None:
        super().__init__(name, settings)
        self.base = self.base.replace("{region}", settings.region)
        self._clock = clock or _time_of_day

    @classmethod
    def check(cls, settings: Settings) -> tuple[str, str] | None:
        if any(_public_key(pem) is None for pem in settings.signing_certificates):
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
        return signed(
            Call("POST", f"{self.base}/", _HEADERS, body),
            region=settings.region,
            service="sms-voice",
            access_key_id=settings.access_key_id,
            secret=settings.secret,
            at=self._clock(),
        )

    def answer(self, text: Text, answer: Answer) -> Outcome:
        said = answer.json()
        if not isinstance(said, dict):
            return by_status(answer)
        carrier_id, kind, reason = said.get("MessageId"), said.get("__type"), said.get("Reason")
        if answer.status // 100 == 2 and isinstance(carrier_id, str) and carrier_id:
            return accepted(carrier_id)
        if not isinstance(kind, str):
            return by_status(answer)
        kind = kind.rpartition("#")[2]
        code = f"{kind}/{reason}" if isinstance(reason, str) and reason else kind
        outcome = refused("aws", code if code in codes("aws") else kind, answer)
        if kind == "InternalServerException":  # it may have been sent
            return Outcome("unknown", failure=outcome.failure, code="unclear_answer", carrier_code=code)
        return msgspec.structs.replace(outcome, carrier_code=code)

    def forged(self, callback: Callback) -> str | None:
        envelope = callback.json()
        to_sign = _to_sign(envelope) if isinstance(envelope, dict) else None
        if to_sign is None:
            return "the body is no message of SNS"
        if envelope["TopicArn"] not in (self.settings.topic_arn, self.settings.inbound_topic_arn):
            return "the topic is not ours"
        if _CERTIFICATE_URL.fullmatch(str(envelope.get("SigningCertURL"))) is None:
            return "the certificate is not one of SNS"
        if not any(_verifies(pem, envelope, to_sign) for pem in self.settings.signing_certificates):
            return "the signature is wrong"
        return "the signed time is too far from ours" if _is_stale(envelope["Timestamp"], callback.at) else None

    def read(self, callback: Callback) -> Heard:
        envelope = callback.json()
        if not isinstance(envelope, dict) or envelope.get("Type") != "Notification":
            return Heard()  # a subscription too: the operator confirms it, the adapter can't
        event = _object(envelope.get("Message"))
        sender, text = event.get("originationNumber"), event.get("messageBody")
        if isinstance(sender, str) and isinstance(text, str):
            to, carrier_id = _text(event.get("destinationNumber")), _text(event.get("inboundMessageId"))
            inbound = self.inbound(sender=sender, to=to or "", text=text, at=callback.at, carrier_id=carrier_id)
            return Heard(inbound=[inbound])
        receipt = self._receipt(event, callback.at)
        return Heard() if receipt is None else Heard([receipt])

    def _receipt(self, event: dict[str, Any], at: int) -> Receipt | None:
        carrier_id, word = event.get("messageId"), (_text(event.get("eventType")) or "").upper()
        state = _STATES.get(word)
        if state is None or not isinstance(carrier_id, str):
            return None
        context, parts, price = event.get("context"), event.get("totalMessageParts"), _price(event)
        failure = codes("aws")[word].failure if state in ("undelivered", "expired", "failed") else None
        return Receipt(
            self.name,
            carrier_id,
            fact_of(state),
            at,
            failure,
            OUR_CODES[failure] if failure else None,
            word if failure else None,
            price,
            "USD" if price else None,
            ref=_text(context.get("attempt")) if isinstance(context, dict) else None,
            parts=parts if type(parts) is int else None,
        )


def _time_of_day() -> int:
    import time

    return int(time.time() * 1000)


def _to_sign(envelope: dict[str, Any]) -> bytes | None:
    """What SNS signs of an envelope; None when a part of it is missing."""
    kind = envelope.get("Type")
    fields = _SIGNED.get(kind, ()) if isinstance(kind, str) else ()
    present = [name for name in fields if name != "Subject" or name in envelope]
    if not present or not all(isinstance(envelope.get(name), str) for name in present):
        return None
    return "".join(f"{name}\n{envelope[name]}\n" for name in present).encode()


@cache
def _public_key(pem: str) -> "RSAPublicKey | None":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate

    try:
        key = load_pem_x509_certificate(pem.encode()).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, RSAPublicKey) else None


def _verifies(pem: str, envelope: dict[str, Any], to_sign: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    key, version = _public_key(pem), envelope.get("SignatureVersion")
    if key is None or version not in ("1", "2"):
        return False
    try:
        signature = b64decode(_text(envelope.get("Signature")) or "", validate=True)
        key.verify(signature, to_sign, PKCS1v15(), SHA1() if version == "1" else SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_stale(timestamp: str, now_ms: int) -> bool:
    try:
        moment = datetime.fromisoformat(timestamp).replace(tzinfo=UTC)  # SNS writes UTC only
    except ValueError:
        return True
    return is_stale(str(moment.timestamp()), now_ms)


def _object(text: object) -> dict[str, Any]:
    """The JSON object in a string; empty when there is none."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any]) if isinstance(text, str) else {}
    except (msgspec.DecodeError, RecursionError):
        return {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _price(event: dict[str, Any]) -> str | None:
    """Of the whole message, with the carrier's fee, which AWS names apart."""
    amounts = [event.get("totalMessagePrice"), event.get("totalCarrierFee", 0)]
    if not all(type(amount) in (int, float) for amount in amounts):
        return None
    total = sum((Decimal(str(amount)) for amount in amounts), Decimal())
    return f"{total.normalize():f}" if total > 0 else None
