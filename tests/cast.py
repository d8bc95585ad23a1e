"""The cast: Alice owns acme, Bob is on her team, Charlie owns globex and must never get in."""

from allauth.account.models import EmailAddress

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
    tenant = provisioning.claim(
        slug=slug, name=slug.title(), owner=owner, time_zone="Asia/Kolkata"
    )
    for role, user in team.items():
        Membership.objects.create(tenant=tenant, user=user, role=Role(role))
    return tenant
