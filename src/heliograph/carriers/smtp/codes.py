"""What a relay's refusal means in our taxonomy: by its enhanced status code (RFC 3463), else by its reply code."""

import re
from typing import Final

from heliograph.carriers.smtp.session import Reply, Stage
from heliograph.core.failures import CONTENT, PERMANENT, THROTTLED, TRANSIENT, UNAUTHORISED, UNREACHABLE
from heliograph.core.message import Outcome

# The enhanced code without its class, which the reply code repeats: our class for 4xx, for 5xx, and our code.
_SUBJECTS: Final[dict[str, tuple[str, str, str]]] = {
    "1.0": (TRANSIENT, PERMANENT, "bad_address"),
    "1.1": (TRANSIENT, PERMANENT, "no_such_mailbox"),
    "1.2": (TRANSIENT, PERMANENT, "no_such_domain"),
    "1.3": (TRANSIENT, PERMANENT, "bad_address"),
    "1.6": (TRANSIENT, PERMANENT, "mailbox_moved"),
    "1.10": (TRANSIENT, PERMANENT, "no_such_domain"),
    "1.7": (TRANSIENT, PERMANENT, "sender_refused"),
    "1.8": (TRANSIENT, PERMANENT, "sender_refused"),
    "2.0": (TRANSIENT, UNREACHABLE, "mailbox_unavailable"),
    "2.1": (UNREACHABLE, PERMANENT, "mailbox_disabled"),
    "2.2": (TRANSIENT, UNREACHABLE, "mailbox_full"),
    "2.3": (CONTENT, CONTENT, "too_large"),
    "3.4": (CONTENT, CONTENT, "too_large"),
    "4.1": (TRANSIENT, UNREACHABLE, "no_answer_from_host"),
    "4.4": (TRANSIENT, UNREACHABLE, "no_route_to_host"),
    "4.5": (THROTTLED, TRANSIENT, "too_fast"),
    "6.0": (CONTENT, CONTENT, "content_refused"),
    "7.0": (TRANSIENT, CONTENT, "refused_by_policy"),
    "7.1": (TRANSIENT, CONTENT, "refused_by_policy"),
    "7.8": (UNAUTHORISED, UNAUTHORISED, "credentials_rejected"),
    "7.9": (UNAUTHORISED, UNAUTHORISED, "credentials_rejected"),
    "7.23": (CONTENT, CONTENT, "sender_not_authenticated"),
    "7.26": (CONTENT, CONTENT, "sender_not_authenticated"),
    "7.28": (THROTTLED, CONTENT, "too_fast"),
}
_CODES: Final[dict[int, tuple[str, str]]] = {
    421: (TRANSIENT, "carrier_busy"),
    450: (TRANSIENT, "mailbox_busy"),
    451: (TRANSIENT, "carrier_busy"),
    452: (TRANSIENT, "carrier_busy"),
    530: (UNAUTHORISED, "credentials_rejected"),
    535: (UNAUTHORISED, "credentials_rejected"),
    550: (PERMANENT, "no_such_mailbox"),
    551: (PERMANENT, "mailbox_moved"),
    552: (UNREACHABLE, "mailbox_full"),
    553: (PERMANENT, "bad_address"),
    554: (CONTENT, "refused_by_policy"),
}
_TAKEN_AWAY: Final = frozenset({"sender_refused", "sender_not_authenticated"})  # another relay may see it otherwise


def outcome_of(reply: Reply, stage: Stage, to: str, carrier_id: str) -> Outcome:
    """What the reply that decided over a message says; `carrier_id` is how we call it. Relays like to repeat the
    recipient's address: it stands in the message alone, where it can be erased."""
    if reply.is_good:
        return Outcome("accepted", (carrier_id,))
    failure, code = _CODES.get(reply.code, (TRANSIENT, "carrier_busy") if reply.code < 500 else (PERMANENT, "refused"))
    subject = (reply.enhanced or "")[2:]
    if known := _SUBJECTS.get(subject):
        temporary, final, code = known
        failure = temporary if reply.code < 500 else final
    if subject == "7.1" and stage is not Stage.MESSAGE and reply.code >= 500:
        failure, code = PERMANENT, "relaying_denied"
    elsewhere = failure == PERMANENT and (code in _TAKEN_AWAY or code == "relaying_denied")
    told = re.sub(re.escape(to), "(address)", str(reply), flags=re.IGNORECASE)
    return Outcome("refused", failure=failure, code=code, carrier_code=told, elsewhere=elsewhere)
