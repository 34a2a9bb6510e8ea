import secrets

import pytest

from tokens.encryption import parse
from tokens.factors.secret_text import CannotDecrypt, is_current, seal, unseal

OLD, NEW = (parse([secrets.token_urlsafe(32)])[0] for _ in range(2))
SECRET = "JBSWY3DPEHPK3PXP"


def test_a_secret_decrypts_and_its_ciphertext_does_not_contain_it():
    sealed = seal(SECRET, keys=[NEW])
    assert unseal(sealed, keys=[NEW]) == SECRET
    assert SECRET not in sealed
    assert seal(SECRET, keys=[NEW]) != sealed, "each has a nonce of its own"


def test_the_first_key_encrypts_and_each_key_decrypts():
    sealed = seal(SECRET, keys=[OLD])
    assert unseal(sealed, keys=[NEW, OLD]) == SECRET
    assert not is_current(sealed, keys=[NEW, OLD])
    assert is_current(seal(SECRET, keys=[NEW, OLD]), keys=[NEW, OLD])


@pytest.mark.parametrize(
    "change",
    [
        lambda sealed: sealed[:-4] + ("AAAA" if sealed[-4:] != "AAAA" else "BBBB"),
        lambda sealed: sealed.replace(NEW.id, OLD.id),
        lambda sealed: "2" + sealed[1:],
        lambda sealed: sealed[:-1],
        lambda sealed: sealed.rpartition(".")[0] + ".",
        lambda _: SECRET,
        lambda _: "",
    ],
)
def test_a_changed_text_does_not_decrypt(change):
    with pytest.raises(CannotDecrypt):
        unseal(change(seal(SECRET, keys=[NEW])), keys=[NEW, OLD])


def test_a_text_whose_key_was_removed_does_not_decrypt():
    with pytest.raises(CannotDecrypt, match="lacks"):
        unseal(seal(SECRET, keys=[OLD]), keys=[NEW])
