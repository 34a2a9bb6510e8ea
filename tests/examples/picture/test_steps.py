"""The arrows of the picture.

An arrow appears when its exchanges (HTTP request and response) happen. No arrow exceeds the bounds of the picture.
"""

from examples.webapp.picture.drawing import COLUMNS, WIDTH, height, lines
from examples.webapp.picture.exchange import Exchange
from examples.webapp.picture.steps import ARROWS, KINDS, draw, opened


def exchange(kind: str, status: int = 200) -> Exchange:
    return Exchange(kind, "GET", "http://x/", status)


def seen(*kinds: str) -> list[str]:
    return [drawn.arrow.name for drawn in draw({kind: exchange(kind) for kind in kinds}) if drawn.is_seen]


def test_each_of_the_seven_steps_has_an_arrow_of_a_recorded_kind() -> None:
    assert {arrow.step for arrow in ARROWS} == set(range(1, 8))
    assert {kind for arrow in ARROWS for kind in arrow.kinds} <= set(KINDS)


def test_arrows_fill_in_as_exchanges_happen() -> None:
    assert seen() == []
    assert seen("login") == ["ask", "send"]
    assert seen("login", "callback") == ["ask", "send", "user", "code"]
    assert seen("login", "callback", "token") == ["ask", "send", "user", "code", "redeem", "sign"]
    assert seen("jwks") == [], "the API has no key to look for before it got a token"
    assert seen(*KINDS) == [arrow.name for arrow in ARROWS]


def test_only_an_answer_is_refused() -> None:
    drawn = draw({"api": exchange("api", 401), "token": exchange("token", 400)})
    assert [each.arrow.name for each in drawn if each.is_refused] == ["sign", "decide"]
    assert (drawn[-1].status, drawn[0].status) == (401, 0)
    assert not any(each.is_refused for each in draw({"api": exchange("api", 200)}))


def test_an_unknown_arrow_opens_nothing() -> None:
    assert opened("decide") == ARROWS[-1]
    assert opened("' onload=") is None


def test_arrows_lie_between_lifelines_and_inside_the_picture() -> None:
    placed = lines(draw({}))
    assert {x for line in placed for x in (line.x1, line.x2)} <= set(COLUMNS)
    assert max(COLUMNS) < WIDTH
    assert [line.y for line in placed] == sorted({line.y for line in placed})
    assert placed[-1].y < height(len(placed))
