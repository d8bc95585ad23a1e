"""Every address of the product. One urlconf; tenants are named inside the addresses."""

from django.conf import settings
from django.urls import include, path

from config import health
from dashboard.views import merchants, person, site
from tenants import demo_mail

urlpatterns = [
    path("", include("payments.urls")),  # the busiest first
    path("", site.home, name="home"),
    path("accounts/language", person.language, name="account_language"),
    path("accounts/", include("allauth.urls")),
    path("merchants/", merchants.mine, name="my_merchants"),
    path("merchants/new", merchants.new, name="new_merchant"),
    path("invitations/<str:code>", merchants.invitation, name="invitation"),
    path("m/<slug:slug>/", include("dashboard.urls")),
    path("platform/", include("tenants.platform.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]

if not settings.PRODUCTION:
    urlpatterns += [
        path("demo/mail/", demo_mail.caught_mails, name="caught_mails"),
        path("demo/mail/<int:id>", demo_mail.caught_mail, name="caught_mail"),
    ]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
