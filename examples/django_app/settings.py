"""Settings of the example. What concerns the gateway stands at the end."""

import os
import secrets

SECRET_KEY = os.environ.get("APP_SECRET") or secrets.token_urlsafe(32)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = ["examples.django_app"]
ROOT_URLCONF = "examples.django_app.views"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("DATABASE", "django.db"),
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"},
    }
}

HELIOGRAPH_URL = os.environ.get("HELIOGRAPH_URL", "http://127.0.0.1:8080")
HELIOGRAPH_KEY = os.environ["HELIOGRAPH_KEY"]
HELIOGRAPH_WEBHOOK_SECRET = os.environ["WEBHOOK_SECRET"]
SMS_BACKEND = "examples.django_app.sms_backend.SmsBackend"  # read by the package django-sms, where it is installed
