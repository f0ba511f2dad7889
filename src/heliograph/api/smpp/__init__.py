"""The SMPP door: applications bind to us. An account is a client; a submit is a message like any other.

door       listens, knows who is bound, brings events to accounts      connection  one bind
requests   submit → what a caller asks for; refusals → statuses        reports     events → receipts and messages
parts      long messages that come in parts
"""
