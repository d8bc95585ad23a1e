"""Django's PostgreSQL backend, beneath that of django-tenants (settings.ORIGINAL_BACKEND)."""
