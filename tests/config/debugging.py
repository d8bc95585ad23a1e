"""Settings as somebody who is looking for a fault may leave them."""

from config.settings import *  # noqa: F403

DEBUG = True
