"""One SMTP connection, the client's side of it, without I/O: octets go in, events and octets come out.

    session = Session(hello="gateway.example", starttls=True, login=("user", "password"))
    for event in session.receive(octets):
        match event:
            case Secure(): ...   # wrap the connection in TLS, then session.secured()
            case Ready(): session.send("from@acme.example", "to@example.com", octets_of_the_message)
            case Answered(reply, stage): ...
            case Over(reply, reason): ...
    transport.write(session.output())

One command at a time: answers can't be mistaken for each other's then.
"""

import base64
import re
from enum import Enum, auto
from typing import Final, NamedTuple, TypeAlias

_LINE_AT_MOST: Final = 4_096
_LINES_AT_MOST: Final = 200
_REPLY: Final = re.compile(rb"([2-5][0-9]{2})([ -]?)(.*)")
_ENHANCED: Final = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
_LINE_ENDS: Final = re.compile(rb"\r\n|\r|\n")
_SERVICE_CLOSING: Final = 421


class Reply(NamedTuple):
    """One answer of the relay."""

    code: int
    lines: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 400

    @property
    def enhanced(self) -> str | None:
        """The status code of RFC 3463, such as 5.1.1."""
        found = _ENHANCED.match(self.lines[0])
        return found[1] if found else None

    def __str__(self) -> str:
        return f"{self.code} {' '.join(self.lines)}"[:200]


class Stage(Enum):
    """What was last said, and is to be answered."""

    GREETING = auto()
    HELLO = auto()
    STARTTLS = auto()
    SECURING = auto()
    AUTH = auto()
    IDLE = auto()
    MAIL = auto()
    RECIPIENT = auto()
    DATA = auto()
    MESSAGE = auto()  # all of it was given to the connection: whether it was taken is not known until the answer
    RESET = auto()
    OVER = auto()


class Secure(NamedTuple):
    """TLS begins now."""


class Ready(NamedTuple):
    """A message may be sent."""


class Answered(NamedTuple):
    """What became of the message: the reply that decided it, and to what."""

    reply: Reply
    stage: Stage


class Over(NamedTuple):
    """The connection is of no more use."""

    reason: str
    is_refused: bool = False  # our credentials


Event: TypeAlias = Secure | Ready | Answered | Over


class Session:
    """One connection."""

    def __init__(self, *, hello: str, starttls: bool, login: tuple[str, str] | None) -> None:
        self.stage = Stage.GREETING
        self._hello = hello
        self._starttls = starttls
        self._login = login
        self._buffer = b""
        self._lines: list[bytes] = []
        self._output: list[bytes] = []
        self._answers: list[bytes] = []  # of a dialogue of AUTH
        self._message: tuple[str, str, bytes] = ("", "", b"")

    def output(self) -> bytes:
        """What is to be written; once."""
        octets = b"".join(self._output)
        self._output.clear()
        return octets

    def secured(self) -> None:
        """TLS is there: everything that was said before is forgotten."""
        self._buffer, self._starttls = b"", False
        self._say(Stage.HELLO, f"EHLO {self._hello}")

    def send(self, sender: str, to: str, message: bytes) -> None:
        """Only when it is ready. Addresses are plain ASCII: nothing in them can end a line."""
        assert self.stage is Stage.IDLE
        self._message = (sender, to, message)
        self._say(Stage.MAIL, f"MAIL FROM:<{sender}>")

    def quit(self) -> None:
        self._output.append(b"QUIT\r\n")
        self.stage = Stage.OVER

    def receive(self, data: bytes) -> list[Event]:
        """What these octets mean."""
        events: list[Event] = []
        self._buffer += data
        while self.stage not in (Stage.OVER, Stage.SECURING) and b"\n" in self._buffer:
            line, _, self._buffer = self._buffer.partition(b"\n")
            reply = self._read(line.rstrip(b"\r"))
            if reply is not None:
                events += self._heard(reply)
        if len(self._buffer) > _LINE_AT_MOST or len(self._lines) > _LINES_AT_MOST:
            events.append(self._over("the relay's answer has no end"))
        return events

    def _read(self, line: bytes) -> Reply | None:
        found = _REPLY.fullmatch(line[:_LINE_AT_MOST])
        if found is None:
            return Reply(500, ("the relay speaks no SMTP",))
        self._lines.append(found[3])
        if found[2] == b"-":
            return None
        lines, self._lines = self._lines, []
        return Reply(int(found[1]), tuple(one.decode("utf-8", "replace") for one in lines))

    def _say(self, stage: Stage, line: str) -> None:
        self.stage = stage
        self._output.append(line.encode() + b"\r\n")

    def _over(self, reason: str, *, is_refused: bool = False) -> Over:
        self.stage = Stage.OVER
        return Over(reason, is_refused)

    # -- what an answer leads to

    def _heard(self, reply: Reply) -> list[Event]:
        match self.stage:
            case Stage.GREETING | Stage.HELLO | Stage.STARTTLS | Stage.AUTH:
                return self._opening(reply)
            case Stage.MAIL | Stage.RECIPIENT | Stage.DATA | Stage.MESSAGE:
                return self._sending(reply)
            case Stage.RESET if reply.is_good:
                self.stage = Stage.IDLE
                return [Ready()]
            case _:  # nobody asked: the relay closes, as after a pause
                return [self._over(str(reply))]

    def _opening(self, reply: Reply) -> list[Event]:
        if self.stage is Stage.AUTH:
            return self._authenticating(reply)
        if not reply.is_good:
            return [self._over(str(reply))]
        if self.stage is Stage.GREETING:
            self._say(Stage.HELLO, f"EHLO {self._hello}")
            return []
        if self.stage is Stage.STARTTLS:
            self.stage = Stage.SECURING
            self._buffer = b""  # what came with the answer is not protected: RFC 3207 has it thrown away
            return [Secure()]
        extensions = [line.upper().split() for line in reply.lines[1:]]
        if self._starttls:
            if ["STARTTLS"] not in extensions:
                return [self._over("the relay offers no STARTTLS")]
            self._say(Stage.STARTTLS, "STARTTLS")
            return []
        if self._login is None:
            self.stage = Stage.IDLE
            return [Ready()]
        return self._log_in({word for line in extensions if line[:1] == ["AUTH"] for word in line[1:]})

    def _log_in(self, offered: set[str]) -> list[Event]:
        assert self._login is not None
        user, password = (word.encode() for word in self._login)
        if "PLAIN" in offered:
            token = base64.b64encode(b"\0" + user + b"\0" + password)
            self._say(Stage.AUTH, f"AUTH PLAIN {token.decode()}")
            return []
        if "LOGIN" in offered:
            self._answers = [base64.b64encode(user), base64.b64encode(password)]
            self._say(Stage.AUTH, "AUTH LOGIN")
            return []
        return [self._over("the relay offers neither AUTH PLAIN nor AUTH LOGIN", is_refused=True)]

    def _authenticating(self, reply: Reply) -> list[Event]:
        if reply.code == 334 and self._answers:
            self._output.append(self._answers.pop(0) + b"\r\n")
            return []
        if 200 <= reply.code < 300:
            self.stage = Stage.IDLE
            return [Ready()]
        return [self._over(str(reply), is_refused=reply.code >= 500)]

    def _sending(self, reply: Reply) -> list[Event]:
        stage = self.stage
        if reply.code == _SERVICE_CLOSING:
            return [Answered(reply, stage), self._over(str(reply))]
        if not reply.is_good or (stage is Stage.DATA and reply.code != 354):
            if stage is Stage.MESSAGE:
                self.stage = Stage.IDLE
                return [Answered(reply, stage), Ready()]
            self._say(Stage.RESET, "RSET")
            return [Answered(reply, stage)]
        _, to, message = self._message
        if stage is Stage.MAIL:
            self._say(Stage.RECIPIENT, f"RCPT TO:<{to}>")
        elif stage is Stage.RECIPIENT:
            self._say(Stage.DATA, "DATA")
        elif stage is Stage.DATA:
            self.stage = Stage.MESSAGE
            self._output.append(stuffed(message))
        else:
            self.stage = Stage.IDLE
            return [Answered(reply, stage), Ready()]
        return []


def stuffed(message: bytes) -> bytes:
    """A message as it goes over the wire: whole lines, no line that is a dot alone but the last."""
    lines = _LINE_ENDS.sub(b"\r\n", message).removesuffix(b"\r\n").split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b"\r\n.\r\n"
