"""SMPP 3.4 and 5.0 without I/O: a library of its own, for clients and servers. Standard library only.

    codec      octets ↔ PDUs            commands   every PDU as a table
    session    binds, window, timers    events     what it tells
    receipts   their text               parts      payload, header, parts of long messages
    moments    absolute, relative       status     what a command_status means
    fields     octets ↔ their values

docs/smpp.md shows how a client and a server are made of it.
"""
