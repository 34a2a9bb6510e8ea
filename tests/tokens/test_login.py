"""Who may log in, and what everybody else reads."""

import re

import pytest
from django.test import Client

from tokens.models import User

PASSWORD = "correct horse battery"


def refusal(client: Client, login: str, password: str) -> tuple[int, list[str]]:
    answer = client.post("/accounts/login/", {"login": login, "password": password})
    return answer.status_code, re.findall(r'role="alert".*?</', answer.content.decode(), re.DOTALL)


@pytest.mark.django_db
def test_a_closed_account_an_unknown_one_and_a_wrong_password_read_the_same(client: Client) -> None:
    User.objects.create_user("open", password=PASSWORD)
    User.objects.create_user("closed", password=PASSWORD, is_active=False)
    answers = [refusal(client, *tried) for tried in [("open", "wrong"), ("nobody", PASSWORD), ("closed", PASSWORD)]]
    assert answers[0][0] == 200
    assert answers[0][1]
    assert answers == [answers[0]] * 3
    assert "_auth_user_id" not in client.session
