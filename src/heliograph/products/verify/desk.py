"""Where verifications are started, checked, sent again and taken back.

A start is two commits: the verification with what the guard counts, then the message. A check is one, and does the
same work whether the code was wrong, the verification has ended, or there never was one with this id.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import msgspec

from heliograph.core import ids
from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import MESSAGE_COLUMNS, Message
from heliograph.core.numbers import Number
from heliograph.core.request import MessageRequest
from heliograph.core.verify import codes, guard, texts
from heliograph.core.verify.policy import BRAND_LETTERS, VerifyPolicy
from heliograph.core.verify.tallies import Place
from heliograph.engine import conversions
from heliograph.engine.cancel import cancel
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.draft import Caller, Draft
from heliograph.engine.fields import recipient
from heliograph.engine.intake import Intake
from heliograph.ports import Unavailable
from heliograph.products.verify import counts, sums
from heliograph.products.verify.asking import OWN, VerificationRequest, Wanted, alphabet_of, network_of, read
from heliograph.products.verify.refusals import gone, kept_back, not_found, too_many, too_soon
from heliograph.products.verify.row import (
    APPROVED,
    BLOCKED,
    CANCELED,
    COLUMNS,
    FAILED,
    FIELDS,
    PENDING,
    PREFIX,
    SELECT,
    Verification,
    view,
)
from heliograph.products.verify.ways import Code, Way, code_in, request_of, wrong
from heliograph.store.port import Accept, Ledger, NewEvent, Transaction

_MESSAGE: Final = ", ".join(MESSAGE_COLUMNS)
_DECOY: Final = ("-", "0" * 64)  # salt and hash of what is not there
_encode: Final = msgspec.json.Encoder().encode


class VerifyDesk:
    """The verifications of one process."""

    def __init__(
        self,
        ledger: Ledger,
        intake: Intake,
        snapshot: Callable[[], Snapshot],
        random_bytes: Callable[[int], bytes],
        left_out: Callable[[Accept, Message], Refusal | None],
    ) -> None:
        self._ledger = ledger
        self._intake = intake
        self._snapshot = snapshot
        self._random_bytes = random_bytes
        self._left_out = left_out  # says why a message was not kept

    def realm(self, environment: int) -> Realm:
        return self._snapshot().realms[environment]

    # -- start

    async def start(self, caller: Caller, asked: VerificationRequest, now: int) -> tuple[Verification, str]:
        """A new verification and its code, which only tests may be told. Raises `Refused`."""
        realm = self.realm(caller.environment)
        policy = realm.policies.verify
        wanted = read(asked, policy)
        code = self._code(caller.workspace, wanted.own_code, wanted.length, wanted.alphabet)
        text = self._text(realm, code.code, asked.locale, asked.origin, asked.app_hash, wanted.lifetime_s)
        phone = recipient(MessageRequest(to=asked.to), realm, caller.default_country)
        if isinstance(phone, Refusal):
            raise Refused(phone)
        way = Way(wanted.steps[0][0], phone.e164, asked.mailbox, asked.sender, wanted.lifetime_s)
        draft = self._draft(caller, request_of(way, code.code, text, policy), now)
        place = self._place(caller, phone, asked.ip, asked.device)
        row = self._row(caller, asked, wanted, code, text.locale, draft.message, place, policy, now)

        async def begin(transaction: Transaction) -> guard.Judgement:
            found = await self._judge(transaction, realm, caller, place, draft.message, now, asked.challenge_passed)
            await self._insert(transaction, row, draft.message, found, policy, now)
            return found

        judgement = await self._ledger.briefly(begin)
        if row.state == BLOCKED:
            raise kept_back(row.public_id, judgement)
        await self._keep(row, draft)
        return row, code.code

    def _row(
        self,
        caller: Caller,
        asked: VerificationRequest,
        wanted: Wanted,
        code: Code,
        locale: str,
        message: Message,
        place: Place,
        policy: VerifyPolicy,
        now: int,
    ) -> Verification:
        fields: dict[str, Any] = dict.fromkeys(FIELDS)
        fields |= dict.fromkeys(("id", "checks", "sends", "is_told", "step"), 0)
        fields |= {name: getattr(asked, name) for name in ("purpose", "origin", "app_hash", "sender")}
        fields |= {name: getattr(place, name) for name in ("phone", "ip", "device", "country", "client")}
        fields |= {"workspace": caller.workspace, "environment": caller.environment, "state": PENDING}
        fields |= {"to": place.number, "email": asked.mailbox, "locale": locale, "plan": _encode(wanted.steps).decode()}
        fields |= {"length": wanted.length, "alphabet": wanted.alphabet, "salt": code.salt, "hash": code.hash}
        fields |= {"max_checks": policy.max_checks, "max_sends": policy.max_sends, "price": message.price}
        fields |= {"started_at": now, "sent_at": now, "expires_at": now + wanted.lifetime_s * 1_000}
        return Verification(**fields | {"action": guard.ALLOW, "reasons": "[]", "currency": message.currency})

    async def _judge(
        self,
        transaction: Transaction,
        realm: Realm,
        caller: Caller,
        place: Place,
        message: Message,
        now: int,
        challenge_passed: bool = False,
        *,
        again: bool = False,
    ) -> guard.Judgement:
        """What the guard says; counted."""
        policy, where, subjects = realm.policies.verify, (realm.workspace, realm.id), place.subjects(again=again)
        tallies = await counts.tallies(transaction, where, subjects, place.days, now)
        served = policy.countries or [country for country in (caller.default_country,) if country]
        serves = again or place.country in served or (realm.rehearses and not policy.countries)
        found = guard.judge(place, tallies, policy, dear=policy.is_dear(message.price), serves=serves)
        if found.action == guard.CHALLENGE and challenge_passed:
            found = guard.Judgement(guard.ALLOW, found.reasons)
        goes = found.action == guard.ALLOW or policy.mode == "shadow"
        await counts.asked(transaction, where, subjects, now, sent=goes)
        return found

    async def _insert(
        self,
        transaction: Transaction,
        row: Verification,
        message: Message,
        judgement: guard.Judgement,
        policy: VerifyPolicy,
        now: int,
    ) -> None:
        row.action, row.reasons = judgement.action, _encode(judgement.reasons).decode()
        if judgement.action != guard.ALLOW and policy.mode != "shadow":
            row.state, row.ended_at, row.is_told = BLOCKED, now, 1
        else:
            message.id = self._ledger.next_id("message")
            row.message, row.sends = message.id, 1
            row.take_step(now)
        values = msgspec.structs.astuple(row)[1:]
        marks = ", ".join(f"${place}" for place in range(1, len(COLUMNS)))
        columns = ", ".join(COLUMNS[1:])
        rows = await transaction.fetch(f"INSERT INTO verifications ({columns}) VALUES ({marks}) RETURNING id", *values)
        row.id = rows[0][0]
        await sums.began(transaction, row)
        if row.state != BLOCKED:
            await self._tell(transaction, row, "started", now)
        elif judgement.is_news:  # a flood would flood the application too; the feed has them all
            await self._tell(transaction, row, "blocked", now)

    async def _keep(self, row: Verification, draft: Draft) -> None:
        """Hand the message over. Raises `Refused` when it can't be sent; then the verification has failed."""
        draft.message.correlation_id = row.public_id
        future: asyncio.Future[Accept] = asyncio.get_running_loop().create_future()
        self._intake.accept([draft], future.set_result, all_or_none=True)
        operation = await future
        refusal = self._left_out(operation, draft.message)
        if operation.error is not None:
            detail = "the message could not be kept; nothing was sent: try again in a moment"
            refusal = Refusal("ledger_unavailable", detail, status=503)
        if refusal is not None:
            await self._ledger.briefly(
                lambda transaction: transaction.execute(
                    "UPDATE verifications SET state = $4, ended_at = $5 "
                    "WHERE workspace = $1 AND environment = $2 AND id = $3 AND state = 'pending'",
                    *(row.workspace, row.environment, row.id, FAILED, draft.message.accepted_at),
                )
            )
            raise Refused(refusal)

    # -- check

    async def check(self, where: tuple[int, int], public_id: str, typed: str, now: int) -> bool:
        """Is this the code? True once for each verification."""
        row = await self._ledger.briefly(lambda transaction: self._check(transaction, where, public_id, typed, now))
        if row is None:
            return False
        with suppress(Refused, Unavailable):  # the code was right all the same
            sent = await self._messages(row)
            arrived = [message for message in sent if message.state in ("delivered", "read")]
            for message in arrived or sent[:1]:
                await conversions.note(self._ledger, message, "verified", now, now)
        return True

    async def _check(
        self, transaction: Transaction, where: tuple[int, int], public_id: str, typed: str, now: int
    ) -> Verification | None:
        workspace, environment = where
        at, number = ids.parse(PREFIX, public_id) or (0, 0)
        rows = await transaction.fetch(
            "UPDATE verifications SET checks = checks + 1 WHERE workspace = $1 AND environment = $2 AND id = $3 "
            "AND started_at = $4 AND state = 'pending' AND expires_at > $5 AND checks < max_checks "
            f"RETURNING {SELECT}",
            *(workspace, environment, number, at, now),
        )
        row = Verification(*rows[0]) if rows else None
        salt, kept = (row.salt, row.hash) if row is not None else _DECOY
        is_same = codes.is_same(kept, self._ledger.protection.hash_code(workspace, salt, codes.normalise(typed)))
        if row is None or not is_same:
            await counts.failed(transaction, where, "nobody" if row is None else row.phone, now)
            return None
        row.state, row.ended_at, row.is_told = APPROVED, now, 1
        await transaction.execute(
            "UPDATE verifications SET state = 'approved', ended_at = $2, is_told = 1 WHERE id = $1", row.id, now
        )
        await counts.verified(transaction, where, row.place.subjects(), row.place.days, row.started_at, now)
        await sums.approved(transaction, row)
        await self._tell(transaction, row, "approved", now)
        return row

    # -- again

    async def resend(
        self, caller: Caller, public_id: str, now: int, channel: str | None = None
    ) -> tuple[Verification, str]:
        """The channel that is asked for, else the next way of the plan. Raises `Refused`."""
        row = await self.find((caller.workspace, caller.environment), public_id)
        policy = self.realm(caller.environment).policies.verify
        if row.status(now) != PENDING:
            raise gone(row, now)
        if row.sends >= row.max_sends:
            raise too_many(row)
        wait_ms = row.sent_at + policy.pause_ms(row.sends) - now
        if wait_ms > 0:
            raise too_soon(wait_ms)
        return await self.send_again(caller, row, "asked for by the person", now, channel)

    async def send_again(
        self, caller: Caller, row: Verification, why: str, now: int, channel: str | None = None
    ) -> tuple[Verification, str]:
        """Send over another route, where there is one. Raises `Refused`; nothing has changed then."""
        realm = self.realm(row.environment)
        last = next(iter(await self._messages(row, newest=True)), None)
        policy, left_s, code = realm.policies.verify, max(1, (row.expires_at - now) // 1_000), None
        known = None if last is None else code_in(last, partial(self._is_code, row))
        if known is None or (policy.resend == "new" and row.alphabet != OWN):
            code = self._code(row.workspace, None, row.length, alphabet_of(row.alphabet))
            known = code.code
        text = self._text(realm, known, row.locale, row.origin, row.app_hash, left_s)
        channel = channel or row.steps[min(row.step, len(row.steps) - 1)][0]
        if refusal := wrong(channel, policy, row.email, "/channel"):
            raise Refused(refusal)
        way = Way(channel, row.to, row.email, row.sender, left_s)
        draft = self._draft(caller, request_of(way, known, text, policy), now)
        if last is not None:
            draft = self._otherwise(draft, last, row.sends + 1, why)
        was = row.sends

        async def go_on(transaction: Transaction) -> Refused | None:
            judgement = await self._judge(transaction, realm, caller, row.place, draft.message, now, again=True)
            if judgement.action != guard.ALLOW and realm.policies.verify.mode != "shadow":
                return kept_back(row.public_id, judgement)
            draft.message.id = self._ledger.next_id("message")
            row.take_step(now)
            row.message, row.sends, row.sent_at = draft.message.id, was + 1, now
            if code is not None:
                row.salt, row.hash = code.salt, code.hash
            if not await self._moved(transaction, row, was):
                raise gone(row, now)
            await self._tell(transaction, row, "sent", now)
            return None

        if held := await self._ledger.briefly(go_on):
            raise held
        await self._keep(row, draft)
        return row, "" if code is None else code.code

    async def _moved(self, transaction: Transaction, row: Verification, was: int) -> bool:
        rows = await transaction.fetch(
            "UPDATE verifications SET message = $4, sends = $5, sent_at = $6, step = $7, next_at = $8, salt = $9, "
            "hash = $10 WHERE workspace = $1 AND environment = $2 AND id = $3 AND state = 'pending' AND sends = $11 "
            "RETURNING id",
            *(row.workspace, row.environment, row.id, row.message, row.sends, row.sent_at, row.step, row.next_at),
            *(row.salt, row.hash, was),
        )
        return bool(rows)

    def _otherwise(self, draft: Draft, last: Message, send: int, why: str) -> Draft:
        """The connector of the last message comes last, if it has a place in the plan."""
        old = draft.verdict.connectors
        connectors = (*(name for name in old if name != last.connector), *(n for n in old if n == last.connector))
        step = {"rule": "verification", "send": send, "why": why, "connectors": connectors}
        verdict = msgspec.structs.replace(draft.verdict, connectors=connectors, trace=(*draft.verdict.trace, step))
        message = draft.message
        message.connector, message.plan = connectors[0], _encode(connectors).decode()
        message.decision = self._intake.verdicts.row_of(verdict)
        cost = self._snapshot().prices.of(message, message.connector)
        message.price, message.currency, message.surcharge = cost
        return msgspec.structs.replace(draft, verdict=verdict)

    # -- the end, and looking

    async def cancel(self, where: tuple[int, int], public_id: str, now: int) -> Verification:
        """Raises `Refused` when it has ended, or was never there."""
        row = await self.find(where, public_id)

        async def end(transaction: Transaction) -> None:
            rows = await transaction.fetch(
                "UPDATE verifications SET state = $4, ended_at = $5, is_told = 1 WHERE workspace = $1 "
                "AND environment = $2 AND id = $3 AND state = 'pending' AND expires_at > $5 AND checks < max_checks "
                "RETURNING id",
                *(*where, row.id, CANCELED, now),
            )
            if not rows:
                raise gone(row, now)
            row.state, row.ended_at = CANCELED, now
            await self._tell(transaction, row, "canceled", now)

        await self._ledger.briefly(end)
        for message in await self._messages(row):
            await cancel(self._ledger, message, now)
        return row

    async def find(self, where: tuple[int, int], public_id: str) -> Verification:
        """Raises `Refused`."""
        at, number = ids.parse(PREFIX, public_id) or (0, 0)
        rows = await self._ledger.fetch(
            f"SELECT {SELECT} FROM verifications "
            "WHERE workspace = $1 AND environment = $2 AND id = $3 AND started_at = $4",
            *(*where, number, at),
        )
        if not rows:
            raise not_found(public_id)
        return Verification(*rows[0])

    # -- parts

    def _code(self, workspace: int, own: str | None, length: int, alphabet: str) -> Code:
        code = own or codes.make(length, alphabet, self._random_bytes)
        salt = self._random_bytes(16).hex()
        return Code(code, salt, self._ledger.protection.hash_code(workspace, salt, code))

    def _text(
        self, realm: Realm, code: str, locale: str | None, origin: str | None, app_hash: str | None, lifetime_s: int
    ) -> texts.Text:
        brand = realm.policies.verify.brand or realm.policies.consent.brand or realm.workspace_name
        minutes = max(1, lifetime_s // 60)
        return texts.write(code, brand[:BRAND_LETTERS], minutes, locale, origin=origin, app_hash=app_hash)

    def _is_code(self, row: Verification, typed: str) -> bool:
        return codes.is_same(row.hash, self._ledger.protection.hash_code(row.workspace, row.salt, typed))

    def _draft(self, caller: Caller, request: MessageRequest, now: int) -> Draft:
        draft = self._intake.draft(caller, request, now)
        if isinstance(draft, Refusal):
            raise Refused(draft)
        return draft

    def _place(self, caller: Caller, phone: Number, ip: str | None, device: str | None) -> Place:
        def hashed(value: str) -> str:
            return self._ledger.protection.hash_number(caller.workspace, value)[:32]

        return Place(
            phone.e164,
            phone.country,
            caller.client,
            hashed(phone.e164),
            None if ip is None else hashed(f"ip {network_of(ip)}"),
            None if device is None else hashed(f"device {device}"),
        )

    async def _messages(self, row: Verification, *, newest: bool = False) -> list[Message]:
        """That were sent for it; the newest alone, with its text."""
        rows = await self._ledger.fetch(
            f"SELECT {_MESSAGE} FROM messages WHERE workspace = $1 AND environment = $2 AND correlation_id = $3 "
            "ORDER BY id DESC",
            *(row.workspace, row.environment, row.public_id),
        )
        found = [Message(*one) for one in rows[: 1 if newest else None]]
        return [self._ledger.protection.opened(message) for message in found] if newest else found

    async def _tell(self, transaction: Transaction, row: Verification, event: str, now: int) -> None:
        shown = view(row, self.realm(row.environment).policies.verify, now)
        told = NewEvent(f"verification.{event}", now, _encode(shown).decode())
        await transaction.record(row.workspace, row.environment, [told])
