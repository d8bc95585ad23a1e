"""Every setting of the product, read once from the environment.

MODE is `production` unless said otherwise, so a forgotten variable fails closed. `demo` is
what `make run` starts, `test` what the tests do; both may move the clock and use plain http.
"""

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from csp.constants import NONE, SELF

from config import env

ROOT = Path(__file__).resolve().parent.parent
PRODUCT_NAME = "Galla"

MODE = env.choice("MODE", ("production", "demo", "test"), "production")
PRODUCTION = MODE == "production"
DEBUG = False

DATA_DIR = env.path("DATA_DIR", ROOT / "var").resolve()
CLOCK_FILE = None if PRODUCTION else DATA_DIR / "clock"

SECRET_KEY = env.text("SECRET_KEY")
# The first key wraps, the others only unwrap: "id:base64 of 32 bytes, …".
MASTER_KEYS = env.csv("MASTER_KEYS", ())
METRICS_TOKEN = env.text("METRICS_TOKEN", "")

# The one public origin: people, payers and Paytm all use exactly this host and port.
BASE_URL = env.url("BASE_URL", "http://localhost:8000")
SECURE = urlsplit(BASE_URL).scheme == "https"
# The Host headers that are answered, letter for letter.
EXACT_HOSTS = {urlsplit(BASE_URL).netloc}
if not PRODUCTION:
    _port = f":{urlsplit(BASE_URL).port}" if urlsplit(BASE_URL).port else ""
    EXACT_HOSTS |= {f"localhost{_port}", f"127.0.0.1{_port}"}
ALLOWED_HOSTS = sorted({host.partition(":")[0] for host in EXACT_HOSTS})
TRUSTED_PROXIES = env.csv("TRUSTED_PROXIES", ())

# Seconds that Paytm may take for an answer; longer is silence, and silence is unknown.
PAYTM_PATIENCE = env.integer("PAYTM_PATIENCE", 10, low=1, high=25)
# Seconds that a merchant's own address may take to accept an event.
WEBHOOK_PATIENCE = env.integer("WEBHOOK_PATIENCE", 10, low=1, high=20)
SIMULATOR_URL = env.url("SIMULATOR_URL", "")
SIMULATOR_TOKEN = env.text("SIMULATOR_TOKEN", "")

# --- Applications -------------------------------------------------------------------------
SHARED_APPS = [
    "django_tenants",
    "tenants",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "template_partials",
    "csp",
    "dashboard",
]
TENANT_APPS = ["merchants", "payments"]
INSTALLED_APPS = SHARED_APPS + TENANT_APPS

TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
AUTH_USER_MODEL = "tenants.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

ROOT_URLCONF = "config.urls"
PUBLIC_SCHEMA_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

# The headers' middleware come first so that no answer, not even a static file, lacks them.
MIDDLEWARE = [
    "config.middleware.logged",
    "config.middleware.tallied",
    "payments.shown.kept",
    "config.language.spoken",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.exact_host",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.unshared",
    "config.middleware.public_schema",
    "config.middleware.readable",
    "config.middleware.sessionless",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.database_errors",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.everywhere",
            ],
            "builtins": ["dashboard.templatetags.ui"],
        },
    }
]
FORM_RENDERER = "config.forms.Renderer"

# --- Database -----------------------------------------------------------------------------


def _database(parts: SplitResult) -> dict[str, object]:
    """Django's settings for a postgresql:// URL; a socket folder may stand in ?host=."""
    options = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    host = unquote(options.pop("host", "")) or parts.hostname or ""
    return {
        "ENGINE": "django_tenants.postgresql_backend",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or options.pop("port", "")),
        "CONN_MAX_AGE": env.integer("CONN_MAX_AGE", 60),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": options,
    }


_url = env.split("DATABASE_URL", "postgresql:///payments", schemes=("postgresql", "postgres"))
DATABASES = {"default": _database(_url)}
ORIGINAL_BACKEND = "config.postgresql"
TENANT_LIMIT_SET_CALLS = True  # SET search_path where the tenant changes, not before every query
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_entry",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# --- People -------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["tenants.people.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
     "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]  # fmt: skip
if MODE == "test":  # hundreds of people sign up in a run
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "my_merchants"
ACCOUNT_ADAPTER = "tenants.people.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "tenants.people.SignupForm"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if SECURE else "http"
MFA_ADAPTER = "tenants.people.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {
    "activate_totp": "tenants.totp.ActivateForm",
    "add_webauthn": "tenants.passkeys.AddForm",
    "login_webauthn": "tenants.passkeys.LoginForm",
    "reauthenticate_webauthn": "tenants.passkeys.ReauthenticateForm",
}
MFA_TOTP_ISSUER = "Galla"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE
USERSESSIONS_TRACK_ACTIVITY = False  # a write for every request, the polls of lists included

# --- Jobs ---------------------------------------------------------------------------------
WORKER_THREADS = env.integer("WORKER_THREADS", 4, low=1, high=64)
# Besides them, for nothing but sending events to merchants, whose systems may be slow.
WEBHOOK_THREADS = env.integer("WEBHOOK_THREADS", 4, low=1, high=64)
# Every module with job handlers; a test compares this list with the sources.
JOB_MODULES = [
    "tenants.mail",
    "tenants.limits",
    "dashboard.report_mails",
    "merchants.noticing",
    "payments.asking",
    "payments.batching",
    "payments.delivering",
    "payments.export_files",
    "payments.folding",
    "payments.janitor",
    "payments.refunding",
    "payments.outbox",
    "payments.settlement_import",
    "payments.settlement_matching",
    "payments.surplus",
    "payments.proving",
    "tenants.upkeep",
]

# --- Mail ---------------------------------------------------------------------------------
# Mails leave through a job; demo and test mode catch them in a table and show them on a page.
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend" if PRODUCTION else "tenants.mail.CatchingBackend"
)
_MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
_mail = env.split("EMAIL_URL", "smtp://localhost", schemes=_MAIL_PORTS)
EMAIL_HOST, EMAIL_PORT = _mail.hostname or "localhost", _mail.port or _MAIL_PORTS[_mail.scheme]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
EMAIL_USE_TLS = _mail.scheme == "smtp+tls"
EMAIL_USE_SSL = _mail.scheme == "smtps"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", "Galla <no-reply@localhost>")

# --- Cookies and headers ------------------------------------------------------------------
_prefix = "__Host-" if SECURE else ""
SESSION_ENGINE = "tenants.sessions"
SESSION_COOKIE_NAME = f"{_prefix}session"
CSRF_COOKIE_NAME = f"{_prefix}csrf"
ATTEMPTS_COOKIE_NAME = f"{_prefix}attempts"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_FAILURE_VIEW = "config.errors.csrf_failed"
SECURE_HSTS_SECONDS = 63_072_000 if SECURE else 0
# Off: only this host. The others beneath it, and browsers' lists, are the operator's to promise.
HSTS_WHOLE_DOMAIN = env.flag("HSTS_WHOLE_DOMAIN", False)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE and HSTS_WHOLE_DOMAIN
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# --- Static files, language, time -----------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [ROOT / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if MODE == "test"
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = MODE == "test"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("hi", "हिन्दी")]  # see config/language.py
LANGUAGE_COOKIE_NAME = "lang"
LOCALE_PATHS = [ROOT / "locale", ROOT / "locale/team"]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"

SILENCED_SYSTEM_CHECKS: list[str] = []
LOGGING_CONFIG = "config.logs.configure"
LOGGING = {"level": env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING"), "INFO")}
