"""How strict a workspace is with its templates, `[policies.templates]`."""

import msgspec


class TemplatePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Unless it says otherwise whoever may manage templates may also approve their own."""

    four_eyes: bool = False  # who wrote a version, or handed it in, can't approve it
