"""A workspace's own rules, each declared under its name: `[policies.consent]`. What is not said is as in the form."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from heliograph.core.consent import ConsentPolicy
from heliograph.core.failures import Refusal
from heliograph.core.keywords.policy import KeywordPolicy
from heliograph.core.lint import ContentPolicy

T = TypeVar("T")

FORMS: Final[dict[str, type[msgspec.Struct]]] = {
    "consent": ConsentPolicy,
    "keywords": KeywordPolicy,
    "content": ContentPolicy,
}
_NAMES: Final = {form: name for name, form in FORMS.items()}


def wrong(form: object) -> list[Refusal]:
    """What the types of a policy can't say."""
    check = getattr(form, "wrong", None)
    return check() if check is not None else []


def policy(declared: Mapping[str, Mapping[str, Any]], form: type[T]) -> T:
    """The policy of this form, of a workspace that declared these specs by name."""
    return msgspec.convert(declared.get(_NAMES[form], {}), form)  # type: ignore[index]
