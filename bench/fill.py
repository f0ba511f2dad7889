"""Fills a ledger with what came long ago, messages (SQLite) or people, quickly, straight through SQL."""

from pathlib import Path
from typing import Final

import apsw

from bench.ledger import Ledger, run

_AT_ONCE: Final = 20_000
_DAY_MS: Final = 86_400_000
_NUMBER: Final = "'+4474' || substr(CAST(99999999 + n.id AS TEXT), 2)"
_CONSENTS: Final = (
    "INSERT INTO consents (workspace, number, contact, action, scope, source, actor, at, recorded_at) "
    f"SELECT $workspace, {_NUMBER}, n.id, "
)
_STANCES: Final = (
    "INSERT INTO stances (number, workspace, scope, given_at, imported, out_at, firm, record) "
    f"SELECT {_NUMBER}, $workspace, "
)
_PEOPLE: Final = (
    "INSERT INTO contacts (id, workspace, created_at, updated_at) SELECT n.id, $workspace, n.at, n.at FROM n",
    "INSERT INTO contact_addresses (workspace, address, contact, since) "
    f"SELECT $workspace, {_NUMBER}, n.id, n.at FROM n",
    f"{_CONSENTS} 'opt_in', 'promotional', 'web_form', 'bench', n.at, n.at FROM n WHERE n.id % 2 = 1",
    f"{_CONSENTS} 'opt_out', '*', 'web_form', 'bench', n.at, n.at FROM n WHERE n.id % 50 = 0",
    f"{_STANCES} 'promotional', n.at, 0, NULL, 0, n.id FROM n WHERE n.id % 2 = 1",
    f"{_STANCES} '*', NULL, 0, n.at, 0, n.id FROM n WHERE n.id % 50 = 0",
)


def fill(file: Path, count: int, now_ms: int) -> None:
    """Messages with their attempts, four events and a delivery each."""
    connection = apsw.Connection(str(file))
    connection.execute("PRAGMA synchronous = OFF")
    workspace, environment = connection.execute(
        "SELECT workspace, id FROM environments WHERE name = 'live' ORDER BY id LIMIT 1"
    ).fetchall()[0]
    connection.execute("INSERT OR IGNORE INTO decisions VALUES (1, '[]')")
    for first in range(1, count + 1, _AT_ONCE):
        numbers = range(first, min(first + _AT_ONCE, count + 1))
        with connection:
            _messages(connection, numbers, workspace, environment, now_ms - _DAY_MS)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _messages(connection: apsw.Connection, numbers: range, workspace: object, environment: object, at: int) -> None:
    cursor = connection.cursor()
    cursor.executemany(
        "INSERT INTO messages (id, workspace, environment, client, accepted_at, to_number, country, kind, lane, "
        "sender, text, encoding, segments, state, updated_at, due_at, valid_until, connector, plan, attempts, "
        "decision, sent_at, final_at) VALUES "
        "(?1, ?2, ?3, 1, ?4, ?5, 'GB', 'transactional', 1, 'Acme', 'Your code is 482913.', 'gsm7', 1, "
        "'delivered', ?4, ?4, ?4, 'rig', '[\"rig\"]', 1, 1, ?4, ?4)",
        [(n, workspace, environment, at + n // 100, f"+4475{n * 7919 % 10**8:08d}") for n in numbers],
    )
    cursor.executemany(
        "INSERT INTO attempts VALUES (?1, 1, 1, 'rig', 'delivered', ?2, NULL, NULL, NULL, ?3, ?3, ?3)",
        [(n, f"old{n}", at) for n in numbers],
    )
    for place, event in enumerate(("accepted", "queued", "sent", "delivered")):
        cursor.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, NULL)",
            [(n * 4 - 3 + place, workspace, environment, n, f"message.{event}", at) for n in numbers],
        )
    cursor.executemany(
        "INSERT INTO deliveries VALUES (?1, ?2, ?3, ?4, ?1, NULL, 'callback:1:http://127.0.0.1:9', 'done', 1, ?5, ?5, "
        "?5, 200, 3, NULL, 0)",
        [(n, workspace, environment, n * 4, at) for n in numbers],
    )


def fill_people(ledger: Ledger, count: int, now_ms: int) -> None:
    """Contacts with a number each. Every second one has opted in to promotion, every fiftieth has opted out."""
    (workspace,) = ledger.ask("SELECT id FROM workspaces ORDER BY id LIMIT 1")
    run(ledger, _PEOPLE, count, lambda n: now_ms - _DAY_MS, {"workspace": workspace})
