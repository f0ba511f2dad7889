"""Drop-in doors: programs that were written for another gateway change the host, and nothing else.

Each door translates a request, has the same done as our own doors, and translates back what came of it.
"""

from typing import Final

from heliograph.api.doors import jasmin, kannel, smsto, vonage
from heliograph.api.doors.twilio import messages as twilio_messages
from heliograph.api.doors.twilio import verify as twilio_verify

ROUTES: Final = (
    *twilio_messages.ROUTES,
    *twilio_verify.ROUTES,
    *kannel.ROUTES,
    *jasmin.ROUTES,
    *vonage.ROUTES,
    *smsto.ROUTES,
)
