"""Fills a ledger with a quarter of a year: messages with all that follows them, people, answers, a campaign.

Straight through SQL, which makes the rows itself: a million messages with four million events take a minute or two.
"""

from typing import Final

from bench.fill import fill_people
from bench.ledger import VERIFICATIONS, Ledger, run

DAYS: Final = 90
CAMPAIGN: Final = "spring"
_DAY_MS: Final = 86_400_000
_REMEMBERED_MS: Final = 29 * _DAY_MS  # older texts were removed: nothing does so while it is measured
_SETTLE_MS: Final = 3_600_000  # the last message is so old: nothing is on its way

_STATE: Final = (
    "CASE n.h % 50 WHEN 0 THEN 'failed' WHEN 1 THEN 'undelivered' WHEN 2 THEN 'rejected' ELSE 'delivered' END"
)
_COUNTRY: Final = "CASE n.h % 20 WHEN 0 THEN 'US' WHEN 1 THEN 'ES' WHEN 2 THEN 'FR' WHEN 3 THEN 'DE' ELSE 'GB' END"
_PHONE: Final = (
    "CASE n.h % 20 WHEN 0 THEN '+1212' WHEN 1 THEN '+3461' WHEN 2 THEN '+3361' WHEN 3 THEN '+4915' ELSE '+4474' END "
    "|| substr(CAST(100000000 + n.h % $people AS TEXT), 2)"
)
_KIND: Final = (
    "CASE WHEN n.id % 10 = 0 THEN 'otp' WHEN n.id % 10 < 6 THEN 'promotional' WHEN n.id % 10 = 6 THEN 'support' "
    "ELSE 'transactional' END"
)
_CONNECTOR: Final = "CASE WHEN n.h % 7 < 2 THEN 'spare' ELSE 'rig' END"
_TRIED: Final = "n.h % 50 <> 2"  # policy rejected the others
_MESSAGES: Final = f"""
INSERT INTO messages (id, workspace, environment, client, accepted_at, to_number, country, kind, lane, sender, text,
    encoding, segments, state, updated_at, due_at, valid_until, connector, plan, attempts, decision, batch, tags,
    correlation_id, price, currency, failure, failure_code, sent_at, final_at, template)
SELECT n.id, $workspace, $environment, $client, n.at, {_PHONE}, {_COUNTRY}, {_KIND}, 1, 'Acme',
    CASE WHEN n.at > $remembered AND n.id % 10 <> 0 THEN 'Your parcel is on its way and will be with you tomorrow.' END,
    'gsm7', CASE WHEN n.h % 9 = 0 THEN 2 ELSE 1 END,
    {_STATE}, n.at + 600 + n.h % 9000, n.at,
    n.at + 86400000, {_CONNECTOR}, '["rig","spare"]', CASE WHEN {_TRIED} THEN 1 ELSE 0 END, 1,
    CASE WHEN n.id % 10 BETWEEN 1 AND 5 THEN $batch + n.id % 2 END, CASE WHEN n.h % 10 = 0 THEN '["spring"]' END,
    coalesce(n.verification, 'order-' || n.id), '0.0400', 'EUR',
    CASE n.h % 50 WHEN 0 THEN 'content' WHEN 1 THEN 'unreachable' WHEN 2 THEN 'opted_out' END,
    CASE n.h % 50 WHEN 0 THEN 'blocked' WHEN 1 THEN 'absent' WHEN 2 THEN 'opted_out' END,
    CASE WHEN {_TRIED} AND n.h % 50 <> 0 THEN n.at + 60 + n.h % 400 END, n.at + 600 + n.h % 9000,
    CASE WHEN n.id % 10 > 6 THEN 'parcel@1' END FROM n"""
_EVENTS: Final = (
    "INSERT INTO events (seq, workspace, environment, message, type, at) "
    "SELECT n.id * 4 - 3, $workspace, $environment, n.id, 'message.accepted', n.at"
)
_BESIDE: Final = (
    f"{_EVENTS} FROM n",
    f"{_EVENTS.replace('- 3', '- 2').replace('accepted', 'queued')} FROM n WHERE {_TRIED}",
    f"{_EVENTS.replace('- 3', '- 1').replace('accepted', 'sent').replace('n.at', 'n.at + 400')} FROM n "
    f"WHERE {_TRIED} AND n.h % 50 <> 0",
    "INSERT INTO events (seq, workspace, environment, message, type, at) "
    f"SELECT n.id * 4, $workspace, $environment, n.id, 'message.' || {_STATE}, n.at + 4000 FROM n",
    f"INSERT INTO attempts SELECT n.id, 1, 1, {_CONNECTOR}, CASE n.h % 50 WHEN 0 THEN 'refused' "
    "WHEN 1 THEN 'undelivered' ELSE 'delivered' END, 'old' || n.id, CASE n.h % 50 WHEN 0 THEN 'content' "
    "WHEN 1 THEN 'unreachable' END, CASE n.h % 50 WHEN 0 THEN 'blocked' WHEN 1 THEN 'absent' END, NULL, n.at + 60, "
    f"n.at + 400, n.at + 4000 FROM n WHERE {_TRIED}",
    "INSERT INTO deliveries SELECT n.id, $workspace, $environment, n.id * 4, n.id, $endpoint, "
    "'endpoint:' || $endpoint, CASE WHEN n.h % 1000 = 0 THEN 'failed' ELSE 'done' END, 1, n.at + 4000, n.at + 4000, "
    "n.at + 4000 + n.h % 300, 200, n.h % 300, NULL, 0 FROM n",
    "INSERT INTO message_tags SELECT $workspace, 'spring', n.id FROM n WHERE n.h % 10 = 0",
    "INSERT INTO links SELECT 't' || n.id, $workspace, $environment, n.id, 'https://shop.example.com/' || n.id, n.at, "
    "n.at + 31536000000, n.h % 2, 0 FROM n WHERE n.id % 10 = 1",
    "INSERT INTO clicks SELECT 't' || n.id, 1, n.at + 60000, 'ios', NULL FROM n WHERE n.id % 10 = 1 AND n.h % 2 = 1",
    f"""INSERT INTO verifications (id, workspace, environment, client, state, to_number, country, locale, plan, step,
    length, alphabet, salt, hash, max_checks, sends, max_sends, started_at, sent_at, expires_at, ended_at, is_told,
    message, phone, action, reasons, price, currency)
    SELECT n.id / 10, $workspace, $environment, $client, CASE WHEN n.h % 9 = 0 THEN 'expired' WHEN n.h % 11 = 0 THEN
    'blocked' ELSE 'approved' END, {_PHONE}, {_COUNTRY}, 'en', '[["sms",30]]', 1, 6, 'digits', '', '', 5, 1, 5, n.at,
    n.at, n.at + 600000, n.at + 9000, 1, n.id, 'p' || (n.h % $people),
    CASE WHEN n.h % 9 <> 0 AND n.h % 11 = 0 THEN 'block' ELSE 'allow' END,
    CASE WHEN n.h % 9 <> 0 AND n.h % 11 = 0 THEN '["flood"]' ELSE '[]' END, '0.0400', 'EUR' FROM n
    WHERE n.id % {VERIFICATIONS} = 0""",
    "INSERT INTO audience_rows (audience, line, number) "
    "SELECT $audience, n.id, '+4474' || substr(CAST(100000000 + n.id AS TEXT), 2) FROM n "
    "WHERE n.id % 10 BETWEEN 1 AND 5",
    "INSERT INTO inbound (id, workspace, environment, connector, from_number, to_number, text, at, settled_at, "
    f"conversation) SELECT n.id / 20, $workspace, $environment, 'rig', {_PHONE}, '+447700900999', "
    "CASE WHEN n.at > $remembered THEN 'When will it come?' END, n.at, n.at, "
    "n.h % $threads + 1 FROM n WHERE n.id % 20 = 0",
    "INSERT INTO conversation_entries (id, workspace, conversation, at, kind, actor, inbound) "
    "SELECT n.id / 20, $workspace, n.h % $threads + 1, n.at, 'inbound', '', n.id / 20 FROM n "
    "WHERE n.id % 20 = 0",
)
_ONCE: Final = (
    "INSERT INTO decisions VALUES (1, '[]') ON CONFLICT DO NOTHING",
    "INSERT INTO audiences (id, workspace, environment, name, state, read_lines, valid, created_at, filled_at) "
    "VALUES ($audience, $workspace, $environment, 'everybody', 'ready', $recipients, $recipients, $start, $start)",
    "INSERT INTO campaigns (id, workspace, environment, client, name, audience, spec, state, position, author, "
    "started_at, enqueued_at, finished_at, created_at) VALUES (1, $workspace, $environment, $client, "
    f"'{CAMPAIGN}', $audience, "
    f"""'{{"name":"{CAMPAIGN}","audience":"everybody","variants":[{{"name":"a","text":"Hello"}},"""
    """{"name":"b","text":"Good day"}]}', 'done', $recipients, 'bench', $start, $end, $end, $start)""",
    "INSERT INTO campaign_variants VALUES (1, 'a', $batch), (1, 'b', $batch + 1)",
)
_CONVERSATIONS: Final = (
    "INSERT INTO conversations (id, workspace, environment, number, sender, state, agent, begins_at, created_at, "
    "updated_at, asked_at) SELECT n.id, $workspace, $environment, '+4474' || "
    "substr(CAST(100000000 + n.id AS TEXT), 2), '+447700900999', "
    "CASE n.id % 3 WHEN 0 THEN 'open' WHEN 1 THEN 'waiting' ELSE 'closed' END, "
    "CASE WHEN n.id % 4 <> 0 THEN 'agent' || (n.id % 9) || '@example.com' END, $start, $start, $start + n.id * 1000, "
    "CASE WHEN n.id % 3 = 0 THEN $start END FROM n",
)
_ALARMS: Final = (
    "INSERT INTO alarms (id, workspace, environment, rule, subject, severity, state, since, bad_at, began_at, "
    "fired_at, resolved_at, value, ceiling, sample) SELECT n.id, $workspace, $environment, 'delivery_drop', "
    """'{"country":"GB","connector":"rig"}', 'warning', 'resolved', $start, $start, $start, $start, $start + 60000, """
    "0.5, 0.9, 100 FROM n",
    "INSERT INTO alarm_steps (alarm, at, what, detail) SELECT n.id, $start, 'firing', '{}' FROM n",
)


def fill(ledger: Ledger, count: int, now_ms: int) -> None:
    """So many messages over `DAYS` days up to now, in the environment `live`."""
    people = max(count // 10, 100)
    fill_people(ledger, people, now_ms)
    workspace, environment = ledger.ask(
        "SELECT workspace, id FROM environments WHERE name = 'live' ORDER BY id LIMIT 1"
    )
    (client,) = ledger.ask(f"SELECT max(id) FROM clients WHERE environment = {environment}")
    (endpoint,) = ledger.ask("SELECT id FROM declared WHERE kind = 'endpoint'")
    end = now_ms - _SETTLE_MS
    start = end - DAYS * _DAY_MS
    places = {"workspace": workspace, "environment": environment, "client": client, "endpoint": endpoint}
    places |= {"people": people, "threads": max(count // 50, 1), "batch": count + 1, "audience": 1}
    places |= {"recipients": count // 2, "start": start, "end": end}
    places["remembered"] = now_ms - _REMEMBERED_MS
    for statements, number in ((_ONCE, 1), (_CONVERSATIONS, places["threads"]), (_ALARMS, 1_000)):
        run(ledger, statements, number, lambda n: start, places)
    run(ledger, (_MESSAGES, *_BESIDE), count, lambda n: start + n * DAYS * _DAY_MS // count, places)
