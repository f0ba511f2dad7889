"""What can be seen of the gateway from outside: its log and its metrics."""

from heliograph.observe.log import Log
from heliograph.observe.metrics import Metrics
from heliograph.observe.watch import Observer

__all__ = ["Log", "Metrics", "Observer"]
