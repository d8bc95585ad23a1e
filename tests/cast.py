"""The cast: Alice owns acme, Bob is on her team, Charlie owns globex and must never get in."""

from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from tenants import provisioning
from tenants.models import Membership, Role, Tenant, User

PASSWORD = "correct horse battery"


def person(name: str, **fields: object) -> User:
    """A person with a verified address name@example.com and PASSWORD."""
    email = f"{name.lower()}@example.com"
    user = User.objects.create_user(email, PASSWORD, name=name, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def merchant(slug: str, owner: User, **team: User) -> Tenant:
    """A merchant with its owner, and more people by role."""
    tenant = provisioning.claim(slug=slug, name=slug.title(), owner=owner, time_zone="Asia/Kolkata")
    for role, user in team.items():
        Membership.objects.create(tenant=tenant, user=user, role=Role(role))
    return tenant


def second_step(user: User) -> None:
    """An authenticator app of this person's."""
    TOTP.activate(user, generate_totp_secret())


def go_live(tenant: Tenant, *people: User) -> None:
    """Open live mode, and give these people the second step it asks for."""
    Tenant.objects.filter(pk=tenant.pk).update(live_state=Tenant.LiveState.APPROVED)
    for user in people:
        second_step(user)
