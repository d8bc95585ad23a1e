"""The WSGI entry point that the web server loads. It refuses to be loaded unsafely."""

import gc
import os
import sys

import django
from django.core.wsgi import get_wsgi_application

from config.env import BadEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    django.setup()
    from payments import hearing, shown  # these need what was set up
    from tenants import unchanged
    from tenants.checks import stop_if_unsafe

    stop_if_unsafe()
    application = shown.again(hearing.first(unchanged.again(get_wsgi_application())))
    gc.freeze()  # what is loaded by now stays, and need not be looked through again and again
except BadEnvironment as problem:
    sys.exit(f"config.wsgi: {problem}")
