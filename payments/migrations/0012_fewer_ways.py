"""Two indexes for what four were for, by which any state, refund and payout together are found.

How a payment stands is a part of them: each combination is a stream of its own, however rare. The
list of surplus has its own, for it knows no streams.
"""

import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('merchants', '0005_notices'),
        ('payments', '0011_fewer_indexes'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='payment',
            name='payment_by_state',
        ),
        migrations.RemoveIndex(
            model_name='payment',
            name='payment_by_method',
        ),
        migrations.RemoveIndex(
            model_name='payment',
            name='payment_refunded',
        ),
        migrations.RemoveIndex(
            model_name='payment',
            name='payment_settled',
        ),
        migrations.RemoveIndex(
            model_name='payment',
            name='payment_unsettled',
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(models.F('live'), models.F('state'), models.Func('settled_on', function='num_nonnulls', output_field=models.IntegerField()), django.db.models.functions.comparison.Least('refunded_paise', 1), models.OrderBy(models.F('created_at'), descending=True), models.F('id'), name='payment_by_state'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(models.F('live'), models.F('method'), models.F('state'), django.db.models.functions.comparison.Least('refunded_paise', 1), models.OrderBy(models.F('created_at'), descending=True), models.F('id'), name='payment_by_method'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('state', 'surplus')), fields=['live', '-created_at', 'id'], name='payment_surplus'),
        ),
    ]
