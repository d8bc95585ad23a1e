"""What makes payments easy to find: their search text, the team's tags; saved views of lists."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.clock import now
from payments.models.payment import Payment


class SearchText(models.Model):
    """What a payment can be searched by, apart from it so that settling does not pay for it.

    Written by `payments.searching`, in SQL alone. `words` are the folded words of name, mail and
    notes, each after a blank; `ids` the identifiers, each before one. `grams` are their
    pieces, each hashed together with its world and month.
    """

    payment = models.OneToOneField(Payment, models.PROTECT, primary_key=True, related_name="+")
    live = models.BooleanField()
    created_at = models.DateTimeField()
    words = models.TextField()
    ids = models.TextField()
    grams = ArrayField(models.IntegerField())

    class Meta:
        indexes = [
            # Without fastupdate: what a search costs must not depend on what was written lately.
            GinIndex(fields=["grams"], name="searchtext_grams", fastupdate=False),
            models.Index(fields=["live", "-created_at", "payment"], name="searchtext_newest"),
        ]

    def __str__(self) -> str:
        return self.words


class PaymentTag(models.Model):
    """A word that the team put on a payment. `created_at` is the payment's."""

    pk = models.CompositePrimaryKey("payment_id", "name")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="tags", db_index=False)
    name = models.CharField(max_length=30)
    live = models.BooleanField()
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["live", "name", "-created_at", "payment"], name="tag_newest"),
        ]

    def __str__(self) -> str:
        return self.name


class Listed(models.TextChoices):
    """What a list has in its rows; views and files are of one of them."""

    PAYMENTS = "payments", _("Payments")
    REFUNDS = "refunds", _("Refunds")


class SavedView(models.Model):
    """A selection and columns under a name. The one without a name is how a person last chose
    their columns."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    live = models.BooleanField()
    of = models.CharField(
        max_length=8, choices=Listed, default=Listed.PAYMENTS, db_default=Listed.PAYMENTS
    )
    owner_id = models.UUIDField()
    owner_name = models.CharField(max_length=80, blank=True)
    name = models.CharField(max_length=40, blank=True)
    # As in the address bar.
    query = models.CharField(max_length=2000, blank=True)
    columns = models.CharField(max_length=200, blank=True)
    shared = models.BooleanField(default=False)
    # What the list opens with: its owner's, or, where it is shared, everybody's without an own.
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["live", "of", "owner_id", "name"], name="saved_view_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name
