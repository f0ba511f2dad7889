"""Every PDU of SMPP 3.4, and those of 5.0 that are not cell broadcast, as a table; the optional parameters by name.

A layout lists the mandatory fields in the order of the wire. `S` is a C-octet string with its longest length, NUL
included; `I1` is an unsigned integer of one octet; `TEXT` is sm_length with short_message; `DESTS` and `UNSUCCESS` are
the lists of submit_multi and its response.
"""

from typing import Final, NamedTuple

S: Final = "S"
I1: Final = "I1"
TEXT: Final = "TEXT"
DESTS: Final = "DESTS"
UNSUCCESS: Final = "UNSUCCESS"

RESPONSE: Final = 0x80000000  # this bit makes the response of a request
GENERIC_NACK: Final = 0x80000000
BIND_RECEIVER: Final = 0x01
BIND_TRANSMITTER: Final = 0x02
QUERY_SM: Final = 0x03
SUBMIT_SM: Final = 0x04
DELIVER_SM: Final = 0x05
UNBIND: Final = 0x06
REPLACE_SM: Final = 0x07
CANCEL_SM: Final = 0x08
BIND_TRANSCEIVER: Final = 0x09
OUTBIND: Final = 0x0B
ENQUIRE_LINK: Final = 0x15
SUBMIT_MULTI: Final = 0x21
ALERT_NOTIFICATION: Final = 0x102
DATA_SM: Final = 0x103
SUBMIT_SM_RESP: Final = SUBMIT_SM | RESPONSE
DELIVER_SM_RESP: Final = DELIVER_SM | RESPONSE
BINDS: Final = frozenset({BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER})


class Field(NamedTuple):
    """One mandatory field; `wrong` is the status that names it as the cause."""

    name: str
    kind: str
    size: int = 0
    wrong: int = 0x02  # ESME_RINVCMDLEN


_SYSTEM_ID: Final = Field("system_id", S, 16, 0x0F)
_PASSWORD: Final = Field("password", S, 65, 0x0E)  # the standard says 9; carriers issue longer ones
_MESSAGE_ID: Final = Field("message_id", S, 65, 0x0C)
_SERVICE_TYPE: Final = Field("service_type", S, 6, 0x15)
_SCHEDULE: Final = Field("schedule_delivery_time", S, 17, 0x61)
_VALIDITY: Final = Field("validity_period", S, 17, 0x62)


def _address(prefix: str, name: str, size: int, wrong: int) -> tuple[Field, ...]:
    return Field(f"{prefix}_addr_ton", I1), Field(f"{prefix}_addr_npi", I1), Field(name, S, size, wrong)


_SOURCE: Final = _address("source", "source_addr", 21, 0x0A)
_DEST: Final = _address("dest", "destination_addr", 21, 0x0B)
_AFTER_ADDRESSES: Final = (
    *(Field("esm_class", I1), Field("protocol_id", I1), Field("priority_flag", I1), _SCHEDULE, _VALIDITY),
    *(Field("registered_delivery", I1), Field("replace_if_present_flag", I1), Field("data_coding", I1)),
    *(Field("sm_default_msg_id", I1), Field("short_message", TEXT, 255, 0x01)),
)
_BIND: Final = (
    *(_SYSTEM_ID, _PASSWORD, Field("system_type", S, 13, 0x53), Field("interface_version", I1)),
    *(Field("addr_ton", I1), Field("addr_npi", I1), Field("address_range", S, 41)),
)
_SUBMIT: Final = (_SERVICE_TYPE, *_SOURCE, *_DEST, *_AFTER_ADDRESSES)
_DATA: Final = (
    *(_SERVICE_TYPE, *_address("source", "source_addr", 65, 0x0A), *_address("dest", "destination_addr", 65, 0x0B)),
    *(Field("esm_class", I1), Field("registered_delivery", I1), Field("data_coding", I1)),
)
_BIND_RESP: Final = (_SYSTEM_ID,)
_ID: Final = (_MESSAGE_ID,)

NAMES: Final[dict[int, str]] = {
    BIND_RECEIVER: "bind_receiver",
    BIND_TRANSMITTER: "bind_transmitter",
    QUERY_SM: "query_sm",
    SUBMIT_SM: "submit_sm",
    DELIVER_SM: "deliver_sm",
    UNBIND: "unbind",
    REPLACE_SM: "replace_sm",
    CANCEL_SM: "cancel_sm",
    BIND_TRANSCEIVER: "bind_transceiver",
    OUTBIND: "outbind",
    ENQUIRE_LINK: "enquire_link",
    SUBMIT_MULTI: "submit_multi",
    ALERT_NOTIFICATION: "alert_notification",
    DATA_SM: "data_sm",
}
NO_RESPONSE: Final = frozenset({OUTBIND, ALERT_NOTIFICATION})
NAMES.update({command | RESPONSE: f"{name}_resp" for command, name in NAMES.items() if command not in NO_RESPONSE})
NAMES[GENERIC_NACK] = "generic_nack"

LAYOUTS: Final[dict[int, tuple[Field, ...]]] = {
    GENERIC_NACK: (),
    **dict.fromkeys(BINDS, _BIND),
    **dict.fromkeys((command | RESPONSE for command in BINDS), _BIND_RESP),
    OUTBIND: (_SYSTEM_ID, _PASSWORD),
    UNBIND: (),
    UNBIND | RESPONSE: (),
    ENQUIRE_LINK: (),
    ENQUIRE_LINK | RESPONSE: (),
    SUBMIT_SM: _SUBMIT,
    SUBMIT_SM | RESPONSE: _ID,
    DELIVER_SM: _SUBMIT,
    DELIVER_SM | RESPONSE: _ID,
    DATA_SM: _DATA,
    DATA_SM | RESPONSE: _ID,
    SUBMIT_MULTI: (_SERVICE_TYPE, *_SOURCE, Field("dest_addresses", DESTS, 0, 0x33), *_AFTER_ADDRESSES),
    SUBMIT_MULTI | RESPONSE: (_MESSAGE_ID, Field("unsuccess_smes", UNSUCCESS)),
    QUERY_SM: (_MESSAGE_ID, *_SOURCE),
    QUERY_SM | RESPONSE: (_MESSAGE_ID, Field("final_date", S, 17), Field("message_state", I1), Field("error_code", I1)),
    CANCEL_SM: (_SERVICE_TYPE, _MESSAGE_ID, *_SOURCE, *_DEST),
    CANCEL_SM | RESPONSE: (),
    REPLACE_SM: (
        *(_MESSAGE_ID, *_SOURCE, _SCHEDULE, _VALIDITY, Field("registered_delivery", I1)),
        *(Field("sm_default_msg_id", I1), Field("short_message", TEXT, 255, 0x01)),
    ),
    REPLACE_SM | RESPONSE: (),
    ALERT_NOTIFICATION: (
        *_address("source", "source_addr", 65, 0x0A),
        *_address("esme", "esme_addr", 65, 0x0B),
    ),
}


class Tag:
    """Tags of optional parameters (TLVs), by their names in the standard."""

    DEST_ADDR_SUBUNIT: Final = 0x0005
    SOURCE_ADDR_SUBUNIT: Final = 0x000D
    QOS_TIME_TO_LIVE: Final = 0x0017
    PAYLOAD_TYPE: Final = 0x0019
    ADDITIONAL_STATUS_INFO_TEXT: Final = 0x001D
    RECEIPTED_MESSAGE_ID: Final = 0x001E
    USER_MESSAGE_REFERENCE: Final = 0x0204
    SOURCE_PORT: Final = 0x020A
    DEST_PORT: Final = 0x020B
    SAR_MSG_REF_NUM: Final = 0x020C
    LANGUAGE_INDICATOR: Final = 0x020D
    SAR_TOTAL_SEGMENTS: Final = 0x020E
    SAR_SEGMENT_SEQNUM: Final = 0x020F
    SC_INTERFACE_VERSION: Final = 0x0210
    CALLBACK_NUM: Final = 0x0381
    MS_AVAILABILITY_STATUS: Final = 0x0422
    NETWORK_ERROR_CODE: Final = 0x0423
    MESSAGE_PAYLOAD: Final = 0x0424
    DELIVERY_FAILURE_REASON: Final = 0x0425
    MORE_MESSAGES_TO_SEND: Final = 0x0426
    MESSAGE_STATE: Final = 0x0427
    CONGESTION_STATE: Final = 0x0428


def name_of(command: int) -> str:
    return NAMES.get(command) or f"0x{command:08x}"
