"""The components: what they write, whatever they are given."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone
from django_tenants.utils import tenant_context
from hypothesis import given
from hypothesis import strategies as st

from dashboard.templatetags import ui
from tenants.models import Tenant, User
from tests import cast, make
from tests.conftest import SignIn


def rendered(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


@given(st.integers(-(10**15), 10**15))
def test_money_reads_back_and_is_grouped_as_in_india(paise: int) -> None:
    written = ui.inr(paise)
    assert re.fullmatch(r"−?₹(\d{1,3}|\d{1,2}(,\d{2})*,\d{3})\.\d{2}", written)
    assert int(re.sub(r"[₹,.]", "", written).replace("−", "-")) == paise


def test_money_in_lakh_and_crore() -> None:
    assert ui.inr(1234567850) == "₹1,23,45,678.50"
    assert ui.inr(None) == "—"
    assert [ui.grouped(n) for n in (0, 999, 2_000_000)] == ["0", "999", "20,00,000"]


def test_time_is_told_in_the_active_zone_and_exactly_on_hover() -> None:
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        written = ui.when(datetime(2020, 3, 14, 10, 35, 9, tzinfo=UTC))
    assert ">14 Mar 2020, 16:05<" in written
    assert 'title="Saturday 14 March 2020, 16:05:09 IST"' in written


def test_a_time_that_is_no_merchants_names_its_zone() -> None:
    written = ui.when(datetime(2020, 3, 14, 10, 35, 9, tzinfo=UTC))
    assert ">14 Mar 2020, 10:35 UTC<" in written
    assert ">14 Mar 2020<" in ui.when(datetime(2020, 3, 14, 10, 35, 9, tzinfo=UTC), "date")


def test_only_screens_outside_a_merchants_name_the_zone(
    acme: Tenant, alice: User, sign_in: SignIn
) -> None:
    User.objects.filter(pk=alice.pk).update(staff_role=User.StaffRole.ADMIN)
    cast.second_step(alice)
    with tenant_context(acme):
        link = make.link()
    client = sign_in(alice)
    staffs = client.get(f"/platform/merchants/{acme.pk}").content.decode()
    merchants = client.get(f"/m/acme/test/links/{link.pk}").content.decode()
    assert re.search(r"\d\d:\d\d UTC</time>", staffs)
    assert re.search(r"\d\d:\d\d</time>", merchants)
    assert not re.search(r"\d\d:\d\d</time>", staffs)


@pytest.mark.parametrize("table", [ui.PAYMENT_STATES, ui.REFUND_STATES])
def test_every_state_has_a_word_a_drawing_and_a_tone(
    table: dict[str, tuple[str, str, str]],
) -> None:
    assert all(icon in ui._icons() and tone and word for icon, tone, word in table.values())


def test_what_people_wrote_is_escaped_everywhere() -> None:
    evil = '"><script>x</script>'
    source = """{% page_header evil back=evil back_label=evil %}{% endpage_header %}
        {% card title=evil %}{{ evil }}{% endcard %}{% stat evil evil note=evil %}
        {% copy_field evil evil %}{% badge evil %}{% qr evil evil %}{% timeline entries %}
        {% bar_chart evil bars %}{% empty_state "link" evil evil %}{{ evil }}{% endempty_state %}"""
    entries = [{"icon": "link", "time": None, "title": evil, "detail": evil}]
    bars = [{"label": evil, "value": 1, "text": evil, "url": evil}]
    written = rendered(source, evil=evil, entries=entries, bars=bars)
    assert "<script>" not in written


@given(st.lists(st.integers(0, 10**12), max_size=40))
def test_bars_fill_the_chart_and_nothing_spills(values: list[int]) -> None:
    bars = [{"label": "d", "value": value, "text": str(value)} for value in values]
    written = ui.bar_chart("Sales", bars)
    heights = [int(found) for found in re.findall(r'height="(\d+)" class="bar-fill"', written)]
    assert len(heights) == len(values)
    assert all(0 <= height <= 100 for height in heights)
    assert all(
        (height > 0) == (value > 0) for height, value in zip(heights[::-1], values, strict=True)
    )


@pytest.mark.parametrize(("cookie", "attribute"), [
    ("ink", ' data-theme="ink"'), ("paper", ' data-theme="paper"'), ('x" onload="', ""), (None, ""),
])  # fmt: skip
def test_theme_comes_from_the_cookie_if_it_is_one_of_ours(
    cookie: str | None, attribute: str
) -> None:
    request = RequestFactory().get("/")
    if cookie:
        request.COOKIES["theme"] = cookie
    assert ui.theme_attr(Context({"request": request})) == attribute


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_error_pages_need_no_context(status: int) -> None:
    assert f'<p class="error-code">{status}</p>' in render_to_string(f"{status}.html")
