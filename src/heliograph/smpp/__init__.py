"""SMPP 3.4 and 5.0 without I/O: a library of its own, for clients and servers. Standard library only.

    codec      octets ↔ PDUs            commands   every PDU as a table
    session    binds, window, timers    status     what a command_status means
    receipts   text of receipts         texts      data_coding, headers, parts
    moments    absolute and relative times

docs/smpp.md shows how a client and a server are made of it.
"""
