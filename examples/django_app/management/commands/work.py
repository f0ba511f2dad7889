"""Works through what was told: `manage.py work`. Several may run; each event is worked on by one of them."""

import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from examples.django_app.models import Notice, Told

ENDS = ("undelivered", "failed", "rejected", "expired", "canceled")
RANK = {"queued": 2, "sent": 4, **dict.fromkeys(ENDS, 5), "delivered": 6, "read": 7}  # states only go forward
PAUSE_S = 0.2


class Command(BaseCommand):
    help = "Work through the events that were received."

    def handle(self, *_: Any, **__: Any) -> None:
        while True:
            if not one():
                time.sleep(PAUSE_S)


@transaction.atomic  # what it does and that it is done are one commit: a crash in between repeats nothing
def one() -> bool:
    """Work on one event; False when there is none."""
    told = Told.objects.select_for_update().filter(is_done=False).order_by("came_at").first()
    if told is None:
        return False
    data = told.event["data"]
    notice = Notice.objects.filter(pk=data.get("correlation_id")).first()
    if told.event["type"].startswith("message.") and notice and RANK.get(data["status"], 0) > RANK[notice.status]:
        notice.status = data["status"]
        notice.save()
    told.is_done = True
    told.save()
    return True
