"""What was told, and what was sent."""

from django.db import models


class Told(models.Model):
    """An event, under its own id: the same again is no news."""

    id = models.CharField(primary_key=True, max_length=64)
    event = models.JSONField()
    is_done = models.BooleanField(default=False, db_index=True)
    came_at = models.DateTimeField(auto_now_add=True)


class Notice(models.Model):
    """A message about something of yours, and how far it has come."""

    reference = models.CharField(primary_key=True, max_length=64)
    status = models.CharField(max_length=16, default="queued")
