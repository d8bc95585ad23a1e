from django.urls import path, register_converter

from payments import views
from tenants.routing import TokenConverter

register_converter(TokenConverter, "token")

urlpatterns = [
    path("paytm/<token:token>/callback", views.paytm_callback, name="paytm_callback"),
    path("paytm/<token:token>/webhook", views.paytm_webhook, name="paytm_webhook"),
    path("p/<token:token>", views.pay, name="pay"),
    path("p/go/<token:token>", views.go, name="pay_go"),
    path("p/return/<token:token>", views.status, name="pay_status"),
    path("p/receipt/<token:token>", views.receipt, name="pay_receipt"),
    path("p/report/<token:token>", views.report, name="pay_report"),
    path("p/logo/<token:token>", views.logo, name="pay_logo"),
    path("p/brand/<token:token>", views.brand, name="pay_brand"),
    path("p/terms/<token:token>", views.terms, name="pay_terms"),
]
