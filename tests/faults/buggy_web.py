"""The product's WSGI application with the bug that the environment names."""

import os

from django.urls import get_resolver

from config.wsgi import application
from tests.faults.bugs import BUGS

__all__ = ["application"]

_ = get_resolver().url_patterns  # loads every view, so that the patch reaches those who import it
BUGS[os.environ["BUG"]].apply()
