"""What a command_status says: its name in the standard (without `ESME_`), and the class that decides what follows."""

from typing import Final, NamedTuple

OK: Final = "ok"
THROTTLE: Final = "throttle"  # too fast: the same again, later
TRANSIENT: Final = "transient"  # may work in a moment, here or elsewhere
PERMANENT: Final = "permanent"  # this message can't be delivered by carriers of this kind
ROUTE: Final = "route"  # this carrier can't; another may
CONFIG: Final = "config"  # our account or our settings are wrong for this carrier
BIND: Final = "bind"  # the session is not what we think it is
PROTOCOL: Final = "protocol"  # the peer did not understand
OPERATION: Final = "operation"  # the result of a query, cancel or replace


class Status(NamedTuple):
    """One status."""

    name: str
    kind: str


STATUSES: Final[dict[int, Status]] = {
    0x000: Status("ROK", OK),
    0x001: Status("RINVMSGLEN", CONFIG),
    0x002: Status("RINVCMDLEN", PROTOCOL),
    0x003: Status("RINVCMDID", PROTOCOL),
    0x004: Status("RINVBNDSTS", BIND),
    0x005: Status("RALYBND", BIND),
    0x006: Status("RINVPRTFLG", CONFIG),
    0x007: Status("RINVREGDLVFLG", CONFIG),
    0x008: Status("RSYSERR", TRANSIENT),
    0x00A: Status("RINVSRCADR", ROUTE),
    0x00B: Status("RINVDSTADR", PERMANENT),
    0x00C: Status("RINVMSGID", OPERATION),
    0x00D: Status("RBINDFAIL", BIND),
    0x00E: Status("RINVPASWD", BIND),
    0x00F: Status("RINVSYSID", BIND),
    0x011: Status("RCANCELFAIL", OPERATION),
    0x013: Status("RREPLACEFAIL", OPERATION),
    0x014: Status("RMSGQFUL", TRANSIENT),
    0x015: Status("RINVSERTYP", CONFIG),
    0x033: Status("RINVNUMDESTS", CONFIG),
    0x034: Status("RINVDLNAME", CONFIG),
    0x040: Status("RINVDESTFLAG", CONFIG),
    0x042: Status("RINVSUBREP", CONFIG),
    0x043: Status("RINVESMCLASS", CONFIG),
    0x044: Status("RCNTSUBDL", CONFIG),
    0x045: Status("RSUBMITFAIL", TRANSIENT),
    0x048: Status("RINVSRCTON", ROUTE),
    0x049: Status("RINVSRCNPI", ROUTE),
    0x050: Status("RINVDSTTON", PERMANENT),
    0x051: Status("RINVDSTNPI", PERMANENT),
    0x053: Status("RINVSYSTYP", BIND),
    0x054: Status("RINVREPFLAG", CONFIG),
    0x055: Status("RINVNUMMSGS", CONFIG),
    0x058: Status("RTHROTTLED", THROTTLE),
    0x061: Status("RINVSCHED", CONFIG),
    0x062: Status("RINVEXPIRY", CONFIG),
    0x063: Status("RINVDFTMSGID", CONFIG),
    0x064: Status("RX_T_APPN", TRANSIENT),
    0x065: Status("RX_P_APPN", PERMANENT),
    0x066: Status("RX_R_APPN", PERMANENT),
    0x067: Status("RQUERYFAIL", OPERATION),
    0x0C0: Status("RINVTLVSTREAM", CONFIG),
    0x0C1: Status("RTLVNOTALLWD", CONFIG),
    0x0C2: Status("RINVTLVLEN", CONFIG),
    0x0C3: Status("RMISSINGTLV", CONFIG),
    0x0C4: Status("RINVTLVVAL", CONFIG),
    0x0FE: Status("RDELIVERYFAILURE", TRANSIENT),
    0x0FF: Status("RUNKNOWNERR", TRANSIENT),
    0x100: Status("RSERTYPUNAUTH", CONFIG),
    0x101: Status("RPROHIBITED", CONFIG),
    0x102: Status("RSERTYPUNAVAIL", TRANSIENT),
    0x103: Status("RSERTYPDENIED", CONFIG),
    0x104: Status("RINVDCS", CONFIG),
    0x105: Status("RINVSRCADDRSUBUNIT", CONFIG),
    0x106: Status("RINVDSTADDRSUBUNIT", CONFIG),
}
CODES: Final = {status.name: code for code, status in STATUSES.items()}
_VENDOR: Final = Status("", TRANSIENT)  # a carrier's own code: may be anything, so it is tried once more


def status_of(code: int) -> Status:
    return STATUSES.get(code, _VENDOR)


def describe(code: int) -> str:
    """A status for people: name, hexadecimal and, for what no standard names, decimal."""
    known = STATUSES.get(code)
    return f"{known.name} (0x{code:08X})" if known else f"0x{code:08X} ({code})"
