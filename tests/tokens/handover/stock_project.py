"""A stock Django project with django-oauth-toolkit. It is migrated and filled with rows in a separate process.

Run it as a script with the URL of an empty database and the path of a new file. It fills the database, dumps the users
to the file, and prints the project's signing key, the id of that key and an ID token as JSON.
"""
# ruff: noqa: PLC0415 (the toolkit is imported after the project is configured)

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

SECRET = "s" * 20 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
WEAK = "weak secret"
REFRESH = {name: (name + "-refresh-token-of-thirty-characters")[:40] for name in (
    "ada", "bob", "revoked", "orphan", "strange", "implicit", "old", "identity", "two",
)}  # fmt: skip


def filled(url: str, folder: Path) -> dict[str, str]:
    """Fill the database at `url` in a separate process, and write two files into `folder`.

    Returns the values that the process printed, the URL, and the paths of the files `users` (the dump of the users) and
    `key` (the signing key of the project, as PEM).
    """
    script, users, key = Path(__file__).resolve(), folder / "users.json", folder / "oidc.pem"
    done = subprocess.run([sys.executable, script, url, users], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    key.write_text(printed["pem"])
    return printed | {"url": url, "users": str(users), "key": str(key)}


def main(url: str, users_file: str) -> None:
    """Create the rows of the project, dump its users, and print its signing key and an ID token."""
    import django
    import environ
    from django.conf import settings
    from jwcrypto import jwk

    key = jwk.JWK.generate(kty="RSA", size=2048)
    pem = key.export_to_pem(private_key=True, password=None).decode()
    settings.configure(
        SECRET_KEY="stock",
        USE_TZ=True,
        DATABASES={"default": environ.Env.db_url_config(url)},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": pem,
            "SCOPES": {"openid": "Login", "read": "Read", "write": "Write", "strange": "?"},
        },
    )
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.utils import timezone
    from jwcrypto import jwt
    from oauth2_provider.models import AccessToken, Application, RefreshToken

    call_command("migrate", verbosity=0)
    users = {name: User.objects.create_user(name, password="correct horse") for name in ("ada", "bob", "nobody")}
    own = {"redirect_uris": "https://client.example/callback", "name": "Stock"}
    code = own | {"authorization_grant_type": "authorization-code"}
    web = Application.objects.create(client_id="web", client_type="confidential", client_secret=SECRET, **code)
    Application.objects.create(
        client_id="plain", client_type="confidential", client_secret=SECRET, hash_client_secret=False, **code
    )
    Application.objects.create(client_id="weak", client_type="confidential", client_secret=WEAK, **code)
    phone = Application.objects.create(client_id="phone", client_type="public", algorithm="RS256", **code)
    service = own | {"authorization_grant_type": "client-credentials"}
    Application.objects.create(client_id="service", client_type="confidential", client_secret=SECRET, **service)
    implicit = Application.objects.create(
        client_id="implicit", client_type="public", **own, authorization_grant_type="implicit"
    )
    Application.objects.create(client_id="password", **own, authorization_grant_type="password", client_type="public")
    Application.objects.create(client_id="http", client_type="public", **code | {"redirect_uris": "http://a.example/"})

    def token(name, application, user, scope, **fields):
        access = AccessToken.objects.create(
            user=user, application=application, scope=scope, token=f"access {name}",
            expires=timezone.now() + timedelta(hours=1),
        )  # fmt: skip
        return RefreshToken.objects.create(
            user=user, application=application, access_token=access, token=REFRESH[name], **fields
        )

    token("ada", web, users["ada"], "read write")
    token("bob", phone, users["bob"], "openid read")
    token("identity", phone, users["ada"], "openid")
    token("revoked", web, users["ada"], "read", revoked=timezone.now())
    token("orphan", web, users["ada"], "read").access_token.delete()
    token("strange", web, users["ada"], "strange")
    token("implicit", implicit, users["ada"], "read")
    token("two", web, users["nobody"], "read")
    old = token("old", web, users["ada"], "read")
    RefreshToken.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(days=400))
    claims = {"iss": "https://old.example", "sub": "1", "aud": "web"}
    signed = jwt.JWT(header=json.dumps({"alg": "RS256", "kid": key.thumbprint()}), claims=json.dumps(claims))
    signed.make_signed_token(key)
    call_command("dumpdata", "auth.User", output=users_file, verbosity=0)
    print(json.dumps({"pem": pem, "id_token": signed.serialize(), "kid": key.thumbprint()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
