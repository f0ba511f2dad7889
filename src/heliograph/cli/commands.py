"""All commands by their words: where each stands, and the line that `heliograph --help` says of it.

A command's module is loaded when it is called, and `--help` loads none: it comes at once. The lines here are the first
of each command's own help; a test compares them.
"""

from typing import Final, NamedTuple


class Place(NamedTuple):
    """A command: its function, or its group of commands, as `module:name` below `heliograph.cli`."""

    at: str
    line: str


COMMANDS: Final[dict[str, dict[str, Place]]] = {
    "Run the gateway": {
        "serve": Place("serve:serve", "Run the gateway until it is told to stop."),
        "doctor": Place("doctor:doctor", "Check everything that the gateway needs."),
        "migrate": Place("migrate:migrate", "Bring the ledger's schema up to date."),
        "backup": Place("backup:backup", "Copy the embedded ledger while it is served."),
        "restore": Place("backup:restore", "Put a copy made by backup in the place of the ledger."),
        "bench": Place("bench:bench", "Measure a running server with messages of a test key."),
        "version": Place("version:version", "Say which version this is."),
    },
    "Say what it does": {
        "apply": Place("apply:apply", "Declare what a file says."),
        "diff": Place("apply:diff", "Show what apply would do, and do nothing."),
        "export-config": Place("export_config:export_config", "Write what is declared as a file that apply reads."),
        "rehearse": Place("rehearse:rehearse", "Try a file on real traffic before apply."),
        "history": Place("rollback:history", "List the versions of what is declared, the newest first."),
        "rollback": Place("rollback:rollback", "Make everything that a workspace declares what it was."),
        "connectors": Place("connectors:program", "Links to carriers."),
        "routes": Place("routes:program", "Routes: which message goes through which connector."),
        "prices": Place(
            "prices:program", "Price tables: what a segment costs, by connector, country, network and kind."
        ),
        "pause": Place("pause:pause", "Stop handing messages over to carriers."),
        "resume": Place("pause:resume", "Go on after a pause."),
    },
    "Say who may": {
        "keys": Place("keys:program", "API keys."),
        "users": Place("users:program", "People who log in."),
        "workspaces": Place("workspaces:program", "Workspaces: tenants that can't see each other."),
        "environments": Place(
            "workspaces:environments", "Environments of a workspace, each with its own keys and data."
        ),
        "secrets": Place("secrets:program", "The master key, and the keys that seal texts."),
        "audit": Place("audit:program", "The audit log: who changed what, and that nobody meddled with it."),
    },
    "Send": {
        "send": Place("send:send", "Send a message."),
        "explain": Place("send:explain", "Show what would be decided for a message, and send nothing."),
        "messages": Place("messages:program", "Messages that were accepted."),
        "verify": Place("verify:program", "One-time codes: start, check, send again, take back."),
        "campaigns": Place("campaigns:program", "Audiences, and campaigns that reach them."),
        "templates": Place("templates:program", "Message templates: look at them, approve them."),
        "segments": Place("segments:segments", "Show encoding, parts, what forces more of them."),
        "lint": Place("content:lint", "Show what the content rules find in texts."),
        "lint-campaign": Place(
            "content:lint_campaign", "Show what a campaign registration (10DLC) may be rejected for."
        ),
        "lookup": Place("lookup:lookup", "Show what public metadata say of a number."),
    },
    "Know people": {
        "contacts": Place("contacts:program", "Contacts: persons with their addresses."),
        "consent": Place("consent:program", "Consent: what people said, and what holds for them."),
        "import": Place("imports:program", "Read what comes from elsewhere: people, their consent, prices, templates."),
        "erasures": Place("erasures:program", "Erased people: a journal that outlives the restore of a backup."),
    },
    "Hear of it": {
        "listen": Place("listen:listen", "Post the events of the key's environment to a local URL, until stopped."),
        "trigger": Place("trigger:trigger", "Make a sample event, and tell it to all who have subscribed."),
        "webhooks": Place("webhooks:program", "Webhooks to your own systems."),
        "requests": Place("requests:program", "The request log: what keys asked, and what they were answered."),
        "alarms": Place("alarms:program", "Alarms: what is wrong, what was, and who looks after it."),
        "outages": Place("outages:outages", "List outages of providers, the newest first."),
        "drill": Place("outages:drill", "Try what the plan for outages does, in the test environment."),
        "insight": Place("insight:program", "Statistics: what became of messages, and what they cost."),
        "export": Place("export:export", "Write rows to a file."),
        "costs": Place("costs:costs", "Show what was spent; without days, in the last thirty."),
    },
}
PLACES: Final = {name: place for section in COMMANDS.values() for name, place in section.items()}
