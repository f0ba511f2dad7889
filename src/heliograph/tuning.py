"""What the settings of a process mean to the parts of its engine."""

from msgspec import convert

from heliograph.engine.insight.desk import Keeping
from heliograph.engine.notify.settings import Settings as NotifySettings
from heliograph.engine.retention import Retention
from heliograph.engine.users.sessions import Lifetimes
from heliograph.engine.ways import Patience
from heliograph.settings import Settings


def lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(settings.sessions.idle_minutes * 60_000, settings.sessions.longest_hours * 3_600_000)


def patience(settings: Settings) -> Patience:
    failover = settings.failover
    return Patience(
        round(failover.otp_after_s * 1000),
        round(failover.other_after_s * 1000),
        round(failover.otp_no_receipt_s * 1000),
    )


def keeping(settings: Settings) -> Retention:
    return convert(settings.retention, Retention, from_attributes=True)


def notify(settings: Settings) -> NotifySettings:
    webhooks = settings.webhooks
    return NotifySettings(
        timeout_s=webhooks.timeout_ms / 1000,
        schedule_s=webhooks.retry_schedule_s,
        disable_after_ms=webhooks.disable_after_hours * 3_600_000,
    )


def sums(settings: Settings) -> Keeping:
    return Keeping(settings.retention.sums_minute_days, settings.retention.sums_hour_days)


def certificates(settings: Settings) -> list[str]:
    """The files of our own."""
    return [file for file in (settings.server.tls_cert, settings.smpp_server.tls_cert) if file is not None]
