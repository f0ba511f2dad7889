"""For a server that can take a burst, such as uvicorn; that of `runserver` keeps no more than ten waiting."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.django_app.settings")
application = get_asgi_application()
