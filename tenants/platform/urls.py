from django.urls import path

from tenants.platform import views

urlpatterns = [
    path("", views.home, name="platform"),
    path("merchants", views.merchants, name="platform_merchants"),
    path("merchants/new", views.new, name="platform_merchant_new"),
    path("merchants/<uuid:id>", views.merchant, name="platform_merchant"),
    path("merchants/<uuid:id>/approve", views.approve, name="platform_approve"),
    path("merchants/<uuid:id>/suspend", views.suspend, name="platform_suspend"),
    path("merchants/<uuid:id>/resume", views.resume, name="platform_resume"),
    path("reports", views.reports, name="platform_reports"),
    path("reports/<uuid:id>/handle", views.handle_report, name="platform_report_handle"),
    path("jobs", views.jobs, name="platform_jobs"),
    path("jobs/<int:id>/retry", views.retry_job, name="platform_job_retry"),
]
