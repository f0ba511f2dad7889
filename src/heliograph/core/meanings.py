"""What a state or a failure means, what one may tell the person who waits for the message, and what to do.

The words are for people who did not read the protocol: support, first of all. They claim no more than is known: nobody
knows that a phone was off, only that it could not be reached. A failure is looked up by its code, else by its class.
"""

from typing import Final, NamedTuple

from heliograph.core import failures, lifecycle


class Meaning(NamedTuple):
    """`means`: for us; `tell`: for the customer; `do`: the next step, if there is one."""

    means: str
    tell: str
    do: str = ""


STATES: Final[dict[str, Meaning]] = {
    lifecycle.ACCEPTED: Meaning(
        "We have the message and are about to decide its way.", "Your message is being prepared."
    ),
    lifecycle.SCHEDULED: Meaning(
        "It waits for its time.", "Your message is planned and goes out at the time that was set."
    ),
    lifecycle.QUEUED: Meaning(
        "It waits for its turn, or for its next attempt.", "Your message is in our queue and goes out shortly."
    ),
    lifecycle.SENDING: Meaning(
        "It is being handed to the carrier, whose answer is still to come.", "Your message is on its way."
    ),
    lifecycle.SENT: Meaning(
        "The carrier has it. Whether the phone has it, the carrier has not said yet.",
        "Your message has left us. It reaches the phone as soon as the phone is on and has a signal.",
        "Wait for the carrier's report. Some networks never send one.",
    ),
    lifecycle.DELIVERED: Meaning(
        "The carrier says that the phone has it.",
        "The network confirms that the message reached the phone. If it can't be seen: look into the folder for spam or"
        " unknown senders, and whether the number is the right one.",
    ),
    lifecycle.READ: Meaning("It was opened on the phone.", "The message was opened on the phone."),
    lifecycle.UNDELIVERED: Meaning(
        "The carrier could not bring it to the phone.",
        "The network could not bring the message to the phone. Please check the number and try again.",
    ),
    lifecycle.FAILED: Meaning(
        "The carrier refused it, or we gave up trying.", "The message could not be sent. We are looking into it."
    ),
    lifecycle.REJECTED: Meaning("A rule of ours kept it back: no carrier was given it.", "The message was not sent."),
    lifecycle.EXPIRED: Meaning(
        "Its time was over before it arrived.", "The message was no longer of use when it could have arrived."
    ),
    lifecycle.CANCELED: Meaning("It was taken back before a carrier had it.", "The message was not sent."),
}
CODES: Final[dict[str, Meaning]] = {
    "absent_subscriber": Meaning(
        "The phone could not be reached for as long as the carrier tried.",
        "The phone could not be reached: it may be off, without signal, or its memory may be full. Please switch it on"
        " and ask for the message again.",
        "Send it again when the phone can be reached.",
    ),
    "memory_full": Meaning(
        "The phone has no room for another text.",
        "The memory of the phone was full. Please delete some messages and ask for the message again.",
        "Send it again when there is room.",
    ),
    "expired_at_carrier": Meaning(
        "The carrier kept trying until the message's time was over.",
        "The phone could not be reached in time: it may have been off. Please ask for the message again.",
        "Send it again when the phone can be reached.",
    ),
    "blocked_by_operator": Meaning(
        "The recipient's operator blocks such messages, or such senders.",
        "Your operator does not let this message through. Ask your operator to allow messages of companies.",
        "Look at the registration of the sender in this country, and at what the text says.",
    ),
    "sender_refused": Meaning(
        "The carrier does not take messages from this sender.",
        "The network did not accept the message. We will reach you in another way.",
        "Look at the sender's registration in this country.",
    ),
    failures.INVALID_NUMBER: Meaning(
        "There is no such number, or it takes no texts.",
        "This number can't receive text messages. Please check it digit by digit, the country's prefix included.",
        "Have the number corrected; do not send to it again.",
    ),
    "content_filtered": Meaning(
        "A filter held it back for what it says.",
        "The message was held back by a filter of the network. We will reach you in another way.",
        "Change the wording: links that are shortened by others, many capitals and words of money are usual reasons.",
    ),
    "opted_out_at_carrier": Meaning(
        "The recipient's opt-out is known to the carrier.",
        "This number is signed off from our messages at the network. Text START to the number that we wrote from.",
        "Record the opt-out; nothing is to be sent against it.",
    ),
    "credentials_rejected": Meaning(
        "The carrier did not accept our credentials: the connector is at fault, not the message.",
        "We have a technical fault and are mending it. Please ask again in a while.",
        "Look at the connector's credentials and rights.",
    ),
    "carrier_busy": Meaning(
        "The carrier had no room for it.",
        "The network is very busy. Please ask again in a few minutes.",
        "Send it again.",
    ),
    "too_late": Meaning(
        "It waited longer than it was valid, so it was not sent any more.",
        "The message waited too long and was therefore not sent. Please ask for a new one.",
        "Look at the queue and its lanes: something kept it waiting.",
    ),
    "provider_outage": Meaning(
        "All connectors that it could take were out, and the plan for outages lets its kind fail at once.",
        "The network has an outage, and the message was not sent. Please ask again later, or another way.",
        "Look at the outages, and at the plan in [policies.outage].",
    ),
    "no_receipt": Meaning(
        "The carrier took it and never said what became of it.",
        "The message left us, but the network did not confirm that it arrived. It may well have arrived.",
    ),
    "quiet_hours": Meaning(
        "Quiet hours at the recipient's place lasted longer than it was valid.",
        "The message would have come at a time of rest, and was therefore not sent.",
    ),
    "opted_out": Meaning(
        "The recipient has opted out of such messages.",
        "You have signed off from these messages. Text START to the number that they came from to get them again.",
        "Nothing is to be sent against an opt-out.",
    ),
    "no_consent": Meaning(
        "Such messages need the recipient's consent, and the record has none.",
        "We have no consent of yours for such messages, so none was sent.",
        "Ask for consent and record it.",
    ),
    "undeliverable": Meaning(
        "The carrier could not bring it to the phone and says no more.",
        "The network could not bring the message to the phone. Please check the number, and whether the phone is on.",
    ),
    "refused_by_carrier": Meaning(
        "The carrier took it and then refused it, for its text or its sender.",
        "The network did not accept the message. We will reach you in another way.",
        "Look at the sender's registration and at the text.",
    ),
    "answer_timeout": Meaning(
        "The carrier never answered: it may have it, or not.",
        "We do not know whether the message arrived. Please look at your phone before asking again.",
    ),
    "link_lost": Meaning(
        "The link to the carrier broke before its answer: it may have the message, or not.",
        "We do not know whether the message arrived. Please look at your phone before asking again.",
    ),
    "text_unreadable": Meaning(
        "The text could not be opened any more: the key that sealed it is gone.",
        "We have a technical fault and are mending it. Please ask again in a while.",
        "Look at the data keys of the workspace.",
    ),
}
CLASSES: Final[dict[str, Meaning]] = {
    failures.PERMANENT: Meaning(
        "The carrier says that this message can't be delivered.",
        "The message can't be delivered to this number. Please check it, or give us another one.",
    ),
    failures.TRANSIENT: Meaning(
        "Something was in the way that may pass.",
        "There was a disturbance. Please ask for the message again.",
        "Send it again.",
    ),
    failures.THROTTLED: Meaning(
        "It was sent faster than the carrier allows.", "The network is very busy. Please ask again in a few minutes."
    ),
    failures.UNAUTHORISED: CODES["credentials_rejected"],
    failures.CONTENT: CODES["content_filtered"],
    failures.UNREACHABLE: CODES["absent_subscriber"],
    failures.OPTED_OUT: CODES["opted_out"],
    failures.UNKNOWN: Meaning(
        "The carrier gave a reason that we do not know.",
        "The message could not be delivered. Please check the number and try again.",
        "Ask the carrier what its code means.",
    ),
}


def meaning(state: str, failure: str | None = None, code: str | None = None) -> Meaning:
    """Of a message as it stands."""
    if state in (lifecycle.DELIVERED, lifecycle.READ) or failure is None:
        return STATES[state]
    return CODES.get(code or "") or CLASSES.get(failure, CLASSES[failures.UNKNOWN])
