"""Tells alarms to people: webhooks in Slack's form, e-mail, text messages. What is to be told is kept first, and tried
again until somebody takes it, or it is too old to help.

A text about an alarm is a message like any other, of the workspace's own. It can't set off a flood: what happens at
once is told at once, in one text, and nobody gets more than a few in an hour.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from heliograph.core.alarms import CRITICAL, FIRING
from heliograph.core.failures import Refusal
from heliograph.core.message import TRANSACTIONAL
from heliograph.core.request import MessageRequest
from heliograph.engine.alarms.policy import AlarmPolicy
from heliograph.engine.alarms.register import Known
from heliograph.engine.alarms.reports import short, told
from heliograph.engine.draft import Caller
from heliograph.engine.intake import Intake
from heliograph.ports import Answer, Clock, Mail, Unavailable, Watch, WebClient
from heliograph.store.port import Accept, Ledger

_PAUSES_S: Final = (10, 30, 120, 600, 1_800)
_TIMEOUT_S: Final = 5.0
_AT_ONCE: Final = 20
_TEXTS_AN_HOUR: Final = 10
_HOUR_MS: Final = 3_600_000
_JSON: Final = b"content-type: application/json\r\n"


class Notice(NamedTuple):
    """Something that is to be told."""

    id: int
    workspace: int
    environment: int
    channel: str
    place: int
    text: str
    at: int
    tries: int


async def keep(ledger: Ledger, policy: AlarmPolicy, workspace: str, alarms: Sequence[Known], now: int) -> None:
    """What happened at once in one environment, for each channel of its policy."""
    first = alarms[0]
    grave = [one for one in alarms if one.state == FIRING and CRITICAL in (one.severity, policy.sms_from)]
    grave += [one for one in alarms if one.state == FIRING and policy.sms_from != CRITICAL and one not in grave]
    texts = [
        ("webhook", len(policy.webhooks), told(alarms, workspace)),
        ("email", len(policy.email), told(alarms, workspace)),
    ]
    if grave:
        texts.append(("sms", len(policy.sms), short(grave)))
    async with ledger.transaction() as transaction:
        for channel, count, text in texts:
            for place in range(count):
                await transaction.execute(
                    "INSERT INTO alarm_notices (workspace, environment, channel, place, text, at, next_at) "
                    "VALUES ($1, $2, $3, $4, $5, $6, $6)",
                    *(first.workspace, first.environment, channel, place, text, now),
                )


class Teller:
    """Brings notices to where they belong."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        web: WebClient,
        intake: Intake,
        mail: Mail | None,
        unseal: Callable[[str], str],
        watch: Watch,
        policy: Callable[[int], AlarmPolicy | None],
    ) -> None:
        """`policy`: of an environment, by its number."""
        self._ledger, self._clock, self._web, self._intake, self._mail = ledger, clock, web, intake, mail
        self._unseal, self._watch, self._policy = unseal, watch, policy

    async def tell(self) -> None:
        """All that is due."""
        rows = await self._ledger.fetch(
            "SELECT id, workspace, environment, channel, place, text, at, tries FROM alarm_notices "
            f"WHERE next_at <= $1 ORDER BY next_at, id LIMIT {_AT_ONCE}",
            self._clock.now_ms(),
        )
        for notice in (Notice(*row) for row in rows):
            try:
                error = await self._try(notice)
            except Unavailable:
                raise
            except Exception as failure:  # whatever a channel does, the others go on
                self._watch.defect(failure)
                error = type(failure).__name__
            await self._settle(notice, error)

    async def _settle(self, notice: Notice, error: str | None) -> None:
        async with self._ledger.transaction() as transaction:
            if error is None or notice.tries >= len(_PAUSES_S):
                await transaction.execute("DELETE FROM alarm_notices WHERE id = $1", notice.id)
            else:
                await transaction.execute(
                    "UPDATE alarm_notices SET tries = tries + 1, next_at = $2, error = $3 WHERE id = $1",
                    *(notice.id, self._clock.now_ms() + _PAUSES_S[notice.tries] * 1000, error),
                )
        if error is not None:
            self._watch.note("alarm_not_told", channel=notice.channel, error=error, tries=notice.tries + 1)

    async def _try(self, notice: Notice) -> str | None:
        """Why it was not taken; None: it was, or nobody wants it any more."""
        policy = self._policy(notice.environment)
        if policy is None:
            return None
        places = {"webhook": policy.webhooks, "email": policy.email, "sms": policy.sms}[notice.channel]
        if notice.place >= len(places):
            return None
        target = places[notice.place]
        if notice.channel == "webhook":
            return await self._post(self._unseal(target), notice.text)
        if notice.channel == "email":
            if self._mail is None:
                return "no mail server is configured"
            return await self._mail.send(target, notice.text.splitlines()[1], notice.text)
        return await self._text(notice, target)

    async def _post(self, url: str, text: str) -> str | None:
        target = self._web.target(url)
        if target is None:
            return "it is no URL"
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        body = msgspec.json.encode({"text": text})
        self._web.post(target, _JSON, body, _TIMEOUT_S, answered.set_result)
        answer = await answered
        return None if 200 <= answer.status < 300 else f"{answer.status or answer.reason}"

    async def _text(self, notice: Notice, number: str) -> str | None:
        """Through the gateway itself."""
        now = self._clock.now_ms()
        sent = await self._ledger.fetch(
            "SELECT COUNT(*) FROM messages WHERE workspace = $1 AND to_number = $2 AND accepted_at > $3 "
            "AND correlation_id LIKE 'alarm-%'",
            *(notice.workspace, number, now - _HOUR_MS),
        )
        if sent[0][0] >= _TEXTS_AN_HOUR:
            return None
        request = MessageRequest(to=number, text=notice.text, kind=TRANSACTIONAL, valid_for=1_800)
        draft = self._intake.draft(Caller(0, notice.workspace, notice.environment), request, now)
        if isinstance(draft, Refusal):
            return draft.code
        draft.message.correlation_id = f"alarm-{notice.id}"
        future: asyncio.Future[Accept] = asyncio.get_running_loop().create_future()
        self._intake.accept([draft], future.set_result)
        kept = await future
        if kept.error is not None:
            raise kept.error
        return next(iter(kept.refused.values()), None)
