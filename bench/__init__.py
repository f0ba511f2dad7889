"""The project's own measure: HTTP in, carrier, receipt, signed webhook out, with processes of our own on loopback."""
