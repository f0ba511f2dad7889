"""Passwords as argon2id hashes. A hash takes tens of milliseconds and 32 MB on purpose, so it is made in a thread, two
at a time, and few wait: a flood of logins must not stand in the way of messages.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from heliograph.core.failures import Refusal, Refused
from heliograph.core.passwords import normal

_T = TypeVar("_T")
_AT_ONCE: Final = 2
_WAITING: Final = 32
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=32_768, parallelism=1)


def new_token() -> str:
    """256 random bits for a cookie or a link."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


class Hashing:
    """The hashes of one process."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._nobody: str | None = None  # a hash for those who don't exist: they must take as long

    async def hash(self, password: str) -> str:
        return await self._run(_HASHER.hash, normal(password))

    async def verify(self, password: str, kept: str | None) -> bool:
        """Is this the password? Takes as long when there is none."""
        if self._nobody is None:
            self._nobody = await self._run(_HASHER.hash, new_token())
        return await self._run(_matches, kept or self._nobody, normal(password)) and kept is not None

    @staticmethod
    def is_old(kept: str) -> bool:
        """Was it made with other parameters than those of today?"""
        return _HASHER.check_needs_rehash(kept)

    async def _run(self, do: Callable[..., _T], *values: str) -> _T:
        if self._waiting >= _WAITING:
            detail = "too many people log in at the moment; try again in a few seconds"
            raise Refused(Refusal("too_many_failures", detail, status=429))
        self._waiting += 1
        try:
            async with self._room:
                return await asyncio.to_thread(do, *values)
        finally:
            self._waiting -= 1


def _matches(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
