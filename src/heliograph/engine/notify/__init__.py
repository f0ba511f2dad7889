"""Events on their way to customers' webhooks."""

from heliograph.engine.notify.desk import NotifyDesk

__all__ = ["NotifyDesk"]
