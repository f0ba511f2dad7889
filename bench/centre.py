"""A message centre as fast as can be: takes every submit, answers it, and reports it delivered at once, in one write.

`python -m bench.centre PORT`. Kind to everybody, and no test of anything; tests/process/smsc.py is the one with moods.
"""

import asyncio
import sys
from typing import Final, cast

import uvloop

from heliograph.smpp.codec import HEADER, Frames, Pdu, encode
from heliograph.smpp.commands import BINDS, DELIVER_SM, ENQUIRE_LINK, RESPONSE, SUBMIT_SM, UNBIND

_RECEIPT: Final = "id:%s sub:001 dlvrd:001 submit date:2611201430 done date:2611201431 stat:DELIVRD err:000 text:"
_numbers = iter(range(1, 1 << 62))


class Bind(asyncio.Protocol):
    """One connection; reads no more of a submit than it must."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._sequence = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        out: list[bytes] = []
        for frame in self._frames.feed(data):
            _, command, _, sequence = HEADER.unpack_from(frame)
            if command == SUBMIT_SM:
                name = format(next(_numbers), "x")
                out.append(_response(command, sequence, name.encode() + b"\0"))
                out.append(self._receipt(frame, name))
            elif command in BINDS:
                out.append(_response(command, sequence, b"bench\0"))
            elif command in (ENQUIRE_LINK, UNBIND):
                out.append(_response(command, sequence, b""))
        self._transport.write(b"".join(out))

    def _receipt(self, submit: bytes, name: str) -> bytes:
        source = submit[19 : submit.index(b"\0", 19)]  # behind an empty service_type, TON and NPI
        start = 22 + len(source)
        to = submit[start : submit.index(b"\0", start)]
        self._sequence += 1
        fields = {
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": to.decode(),
            "destination_addr": source.decode(),
            "esm_class": 4,
            "short_message": (_RECEIPT % name).encode(),
        }
        tlvs = {0x001E: name.encode() + b"\0", 0x0427: b"\2"}
        return encode(Pdu(DELIVER_SM, fields, sequence=self._sequence, tlvs=tlvs))


def _response(command: int, sequence: int, body: bytes) -> bytes:
    return HEADER.pack(16 + len(body), command | RESPONSE, 0, sequence) + body


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Bind, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
