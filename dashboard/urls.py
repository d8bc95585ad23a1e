"""A merchant's dashboard: what belongs to a world, then what is the merchant's as a whole."""

from django.urls import include, path, register_converter

from dashboard.views import (
    endpoints,
    events,
    exceptions,
    home,
    links,
    payments,
    paytm,
    refunds,
    reports,
    settings,
    settlements,
    surplus,
    team,
)
from tenants.routing import WorldConverter

register_converter(WorldConverter, "world")

world = [
    path("", home.home, name="dashboard"),
    path("payments", payments.list, name="payments"),
    path("payments/<uuid:id>", payments.detail, name="payment"),
    path("payments/<uuid:id>/ask", payments.ask, name="payment_ask"),
    path("payments/<uuid:id>/refunds/new", refunds.new, name="refund_new"),
    path("refunds", refunds.list, name="refunds"),
    path("refunds/<uuid:id>/try", refunds.try_now, name="refund_try"),
    path("refunds/<uuid:id>/stop", refunds.stop, name="refund_stop"),
    path("surplus", surplus.list, name="surplus"),
    path("surplus/<uuid:id>/keep", surplus.keep, name="surplus_keep"),
    path("links", links.list, name="links"),
    path("links/new", links.new, name="link_new"),
    path("links/<uuid:id>", links.detail, name="link"),
    path("links/<uuid:id>/state", links.state, name="link_state"),
    path("events", events.list, name="events"),
    path("events/<uuid:id>", events.detail, name="event"),
    path("deliveries/<uuid:id>", events.delivery, name="delivery"),
    path("deliveries/<uuid:id>/attempts", events.send, name="delivery_send"),
    path("endpoints", endpoints.list, name="endpoints"),
    path("endpoints/new", endpoints.new, name="endpoint_new"),
    path("endpoints/return-key", endpoints.return_key, name="return_key"),
    path("endpoints/<uuid:id>", endpoints.detail, name="endpoint"),
    path("endpoints/<uuid:id>/edit", endpoints.edit, name="endpoint_edit"),
    path("endpoints/<uuid:id>/state", endpoints.state, name="endpoint_state"),
    path("endpoints/<uuid:id>/secret", endpoints.secret, name="endpoint_secret"),
    path("endpoints/<uuid:id>/tests", endpoints.test, name="endpoint_test"),
    path("endpoints/<uuid:id>/replays", endpoints.replay, name="endpoint_replay"),
    path("reports", reports.page, name="reports"),
    path("reports.csv", reports.csv, name="reports_csv"),
    path("settlements", settlements.list, name="settlements"),
    path("settlements/import", settlements.import_now, name="settlements_import"),
    path("settlements/upload", settlements.upload, name="settlement_upload"),
    path("settlements/uploads/<uuid:id>", settlements.preview, name="settlement_preview"),
    path("settlements/<uuid:id>", settlements.detail, name="settlement"),
    path("settlements/<uuid:id>.csv", settlements.csv, name="settlement_csv"),
    path("exceptions", exceptions.list, name="exceptions"),
    path("exceptions/<uuid:id>", exceptions.detail, name="exception"),
    path("exceptions/<uuid:id>/act", exceptions.act, name="exception_act"),
    path("paytm", paytm.page, name="paytm"),
    path("paytm/simulator", paytm.simulator, name="paytm_simulator"),
    path("paytm/keys", paytm.keys, name="paytm_keys"),
    path("paytm/check", paytm.check, name="paytm_check"),
]

urlpatterns = [
    path("", home.door, name="merchant"),
    path("<world:live>/", include(world)),
    path("team", team.page, name="team"),
    path("team/invitations", team.invite, name="team_invite"),
    path("team/invitations/<uuid:id>/revoke", team.revoke, name="team_revoke"),
    path("team/<int:id>/role", team.role, name="team_role"),
    path("team/<int:id>/remove", team.remove, name="team_remove"),
    path("settings", settings.page, name="settings"),
    path("settings/live", settings.live, name="settings_live"),
]
