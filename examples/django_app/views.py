"""The doors: send, verify, receive. A receiver verifies, keeps and answers; `manage.py work` does the rest."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from standardwebhooks import Webhook, WebhookVerificationError

from examples.django_app.gateway import ask
from examples.django_app.models import Notice, Told


@csrf_exempt  # for the example's sake; your own pages keep their tokens
@require_POST
def notify(request: HttpRequest) -> JsonResponse:
    asked = json.loads(request.body)
    Notice.objects.get_or_create(reference=asked["reference"])  # first: events may be quicker than the answer
    body = {"to": asked["to"], "text": asked["text"], "correlation_id": asked["reference"]}
    status, said = ask("/v1/messages", body, idempotency_key=f"notice-{asked['reference']}")
    return JsonResponse(said, status=status)


def show(request: HttpRequest, reference: str) -> JsonResponse:
    return JsonResponse({"status": get_object_or_404(Notice, pk=reference).status})


@csrf_exempt
@require_POST
def verify(request: HttpRequest) -> JsonResponse:
    status, said = ask("/v1/verifications", {"to": json.loads(request.body)["to"], "ip": request.META["REMOTE_ADDR"]})
    return JsonResponse(said, status=status)


@csrf_exempt
@require_POST
def check(request: HttpRequest) -> JsonResponse:
    asked = json.loads(request.body)  # in a real application the id stands in the session, never in the request
    status, said = ask(f"/v1/verifications/{asked['verification']}/check", {"code": asked["code"]})
    return JsonResponse(said, status=status)


@csrf_exempt  # the signature says who it is from
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    try:
        event: Any = Webhook(settings.HELIOGRAPH_WEBHOOK_SECRET).verify(request.body, dict(request.headers))
    except WebhookVerificationError:
        return HttpResponse(status=401)
    Told.objects.bulk_create([Told(id=event["id"], event=event)], ignore_conflicts=True)
    return HttpResponse(status=204)


urlpatterns = [
    path("notify", notify),
    path("notices/<str:reference>", show),
    path("phones", verify),
    path("phones/check", check),
    path("hooks/heliograph", receive),
]
