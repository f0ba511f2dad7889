"""SMS: the text is all there is. Its encoding and parts are `core.segments`."""

from typing import Final

from heliograph.core.channels.channel import NUMBER, NUMBERS, SMS, Channel, Content

CHANNEL: Final = Channel(SMS, NUMBER, Content, NUMBERS | {"alphanumeric"}, texts_to_phones=True)
