"""A site of Django's: its settings, its URLs and its one view."""

import logging

from django.http import HttpResponse
from django.urls import path


def item(request, item_id):
    logging.getLogger("shop").warning("looked up")
    return HttpResponse("ok")


urlpatterns = [path("items/<int:item_id>", item)]

ROOT_URLCONF = __name__
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "no secret"
LOGGING_CONFIG = None
