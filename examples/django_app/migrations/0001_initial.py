"""The tables of the example."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("reference", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("status", models.CharField(default="queued", max_length=16)),
            ],
        ),
        migrations.CreateModel(
            name="Told",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("event", models.JSONField()),
                ("is_done", models.BooleanField(db_index=True, default=False)),
                ("came_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
