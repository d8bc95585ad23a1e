"""Set up a real instance, or bring it up to date: database, schemas, first platform admin.

Refuses unsafe settings. Safe to repeat. BOOTSTRAP_PASSWORD is the new admin's password; without
it the password is asked for.
"""

import os
import sys
from getpass import getpass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from tenants import bootstrap, doctor, provisioning
from tenants.checks import stop_if_unsafe
from tenants.models import Tenant, User

SECOND_FACTOR = """
  The authenticator secret of {email}, shown this once:

    {second.secret}
    {second.url}
"""
NEXT = """
Next
  python manage.py collectstatic --no-input   after every update
  python manage.py work                       the worker; it must always run
  python -m granian --interface wsgi --no-ws config.wsgi:application
                                              the web, behind a proxy that speaks https
  {base_url}/platform/                        sign in as platform admin
"""


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []  # its own come first, in clearer words

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--admin-email", default="", help="whom to make platform admin")
        parser.add_argument("--test-mail", action="store_true", help="send the admin a mail")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.PRODUCTION:
            raise CommandError(f"MODE is {settings.MODE}; a real instance has MODE=production.")
        stop_if_unsafe()
        self.say("Settings", "safe")
        self.see_to_database()
        admin = self.admin(checked_email(options["admin_email"]))
        self.see_to_mail(admin, options["test_mail"])
        self.stdout.write(NEXT.format(base_url=settings.BASE_URL))

    def say(self, about: str, words: str) -> None:
        self.stdout.write(f"{about:<10}{words}")

    def see_to_database(self) -> None:
        if faults := doctor.faults():
            raise CommandError("\n  ".join(["The database cannot be used:", *faults]))
        moved = provisioning.prepare()
        provisioning.keep_ready()
        ready = Tenant.objects.filter(state=Tenant.State.READY).count()
        self.say("Database", f"PostgreSQL {doctor.server_version()}")
        self.say("Schemas", f"{moved} brought up to date, {ready} ready for new merchants")

    def admin(self, email: str) -> User:
        """The platform admin with this address, made now unless there; the first without one."""
        user = User.objects.filter(email=email).first() if email else bootstrap.first_admin()
        if user is None and not email:
            raise CommandError("There is no platform admin yet: --admin-email says who it will be.")
        if user is None:
            return self.created(email)
        if user.staff_role == User.StaffRole.ADMIN:
            self.say("Admin", f"{user.email}, as before")
        else:
            self.appoint(user)
        return user

    def created(self, email: str) -> User:
        try:
            user, second = bootstrap.create_admin(email, new_password())
        except ValidationError as error:
            raise CommandError(
                "\n  ".join(["The password will not do:", *error.messages])
            ) from None
        self.say("Admin", f"{user.email}, made now")
        self.stdout.write(SECOND_FACTOR.format(email=user.email, second=second))
        return user

    def appoint(self, user: User) -> None:
        try:
            second = bootstrap.appoint(user)
        except bootstrap.Unverified:
            raise CommandError(
                f"Somebody signed up as {user.email} without showing that the address is theirs."
            ) from None
        self.say("Admin", f"{user.email}, appointed now; the password stays")
        if second:
            self.stdout.write(SECOND_FACTOR.format(email=user.email, second=second))

    def see_to_mail(self, admin: User, wanted: bool) -> None:
        if not wanted:
            self.say("Mail", "not tried; --test-mail tries it")
            return
        if fault := bootstrap.send_test_mail(admin.email):
            raise CommandError(f"The test mail was not sent. {fault}")
        self.say("Mail", f"a test mail is on its way to {admin.email}")


def checked_email(email: str) -> str:
    email = email.strip().lower()
    try:
        if email:
            validate_email(email)
    except ValidationError:
        raise CommandError("--admin-email is not an e-mail address.") from None
    return email


def new_password() -> str:
    """From BOOTSTRAP_PASSWORD, or typed twice."""
    if password := os.environ.get("BOOTSTRAP_PASSWORD", ""):
        return password
    if not sys.stdin.isatty():
        raise CommandError("BOOTSTRAP_PASSWORD is not set, and there is nobody here to ask.")
    password = getpass("Password of the new platform admin: ")
    if getpass("Once more: ") != password:
        raise CommandError("The two passwords differ.")
    return password
