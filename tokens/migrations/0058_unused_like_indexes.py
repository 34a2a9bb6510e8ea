from django.db import migrations

from tokens.triggers import bound_lock_wait, drop_like_index


class Migration(migrations.Migration):
    """Drop the indexes for prefix searches among digests and session ids. No query searches for a prefix of these.

    Each inserted row changed a random page of such an index. Writes go on meanwhile.
    """

    atomic = False
    dependencies = [
        ("tokens", "0057_address_prefix"),
    ]

    operations = [
        bound_lock_wait(),
        drop_like_index("tokens_refreshtoken_digest_69577518_like", table="tokens_refreshtoken", column="digest"),
        drop_like_index(
            "tokens_authorizationcode_digest_03688f76_like", table="tokens_authorizationcode", column="digest"
        ),
        drop_like_index("tokens_devicecode_digest_5ba06b8d_like", table="tokens_devicecode", column="digest"),
        drop_like_index(
            "tokens_devicecode_user_code_digest_7f5a805b_like", table="tokens_devicecode", column="user_code_digest"
        ),
        drop_like_index("tokens_pushedrequest_digest_2aea7b51_like", table="tokens_pushedrequest", column="digest"),
        drop_like_index("tokens_endedsession_sid_259503b8_like", table="tokens_endedsession", column="sid"),
        drop_like_index(
            "tokens_browsersession_session_key_a73d7a19_like", table="tokens_browsersession", column="session_key"
        ),
    ]
