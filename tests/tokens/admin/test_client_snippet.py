"""Code blocks to paste that contain values of a client.

Each value becomes a literal of the block's language, so that the value cannot add code.
"""

import ast
import json
import shlex
from dataclasses import replace

import pytest

from tokens.admin.client_snippet import Literal, Values, blocks
from tokens.registration.kinds import BY_NAME

VALUES = Values(
    issuer="https://issuer.example",
    client_id="shop",
    secret="s3cret",
    redirect_uris=["https://app.example/callback"],
    post_logout_redirect_uris=[],
    scopes=["notes:read"],
)
HOSTILE = ['"; import os; os.abort() #', "'; rm -rf ~; echo '", "`id`$(id)", "\\", "line\nbreak", "</pre><script>"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_literal_means_its_text_in_python_javascript_and_the_shell(text):
    assert ast.literal_eval(Literal(text).code) == text
    assert json.loads(Literal(text).code) == text
    assert shlex.split(Literal(text).shell) == [text]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", ["web", "spa", "native"])
def test_a_redirect_uri_stands_in_a_block_as_a_literal_only(kind, text):
    for block in blocks(BY_NAME[kind], replace(VALUES, redirect_uris=[text])):
        assert json.dumps(text) in block.text
        assert text not in block.text.replace(json.dumps(text), "")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_scope_stands_in_a_curl_block_as_one_word(text):
    (block, _) = blocks(BY_NAME["service"], replace(VALUES, scopes=[text]))
    assert f"scope={text}" in shlex.split(block.text)


def test_python_blocks_are_python():
    for kind in ("web", "service"):
        for block in blocks(BY_NAME[kind], VALUES):
            if block.title.startswith("Python"):
                ast.parse(block.text)


def test_a_client_without_a_scope_requests_none():
    texts = [block.text for block in blocks(BY_NAME["service"], replace(VALUES, scopes=[]))]
    assert [text for text in texts if "scope" in text] == []


def test_a_scope_of_openid_connect_is_requested_only_for_a_client_with_a_login():
    assert "openid" in blocks(BY_NAME["device"], VALUES)[0].text
    assert "openid" not in blocks(BY_NAME["service"], VALUES)[0].text
