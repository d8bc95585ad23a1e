"""The number under which a payer's receipt is kept."""

from django.db import models
from django.db.models import Q

from config.clock import now
from payments.models.payment import Payment


class Receipt(models.Model):
    """A receipt: numbered without gaps for each world and financial year, and never changed."""

    payment = models.OneToOneField(Payment, models.PROTECT, primary_key=True)
    live = models.BooleanField()
    # The year in which it begins: 2026 for April 2026 to March 2027.
    year = models.SmallIntegerField()
    number = models.IntegerField()
    numbered_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["live", "year", "number"], name="receipt_once"),
            models.CheckConstraint(name="receipt_counts", condition=Q(number__gte=1)),
        ]

    def __str__(self) -> str:
        """`R/2026-27/000123`; a test one begins with `TEST/`."""
        series = f"{self.year}-{(self.year + 1) % 100:02}"
        return f"{'R' if self.live else 'TEST'}/{series}/{self.number:06}"
