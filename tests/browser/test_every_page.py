"""Every address of the resolver that answers a GET, for each kind of person who gets in.

A new address is walked without being named here, unless it names a thing: then `Cast.ids` must
know one. An address that nobody reaches fails, unless it is listed below with the reason.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from django.urls import NoReverseMatch, reverse
from playwright.sync_api import Browser

from tenants.checks import patterns
from tests.browser.conftest import Cast
from tests.browser.people import Person, prove_again, sign_in
from tests.browser.stack import Stack
from tests.browser.walker import DESK, PHONE, Walker, window

pytestmark = pytest.mark.browser

NO_PAGE = {
    "account_inactive", "logo", "healthz", "readyz", "metrics",
}
"""draft"""
