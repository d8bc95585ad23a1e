#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from config.env import BadEnvironment

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except BadEnvironment as problem:
        sys.exit(f"manage.py: {problem}")
