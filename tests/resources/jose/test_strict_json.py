"""The parser accepts strict JSON (RFC 7493) and refuses everything else."""

import pytest

from resources.jose.strict_json import Repeated, parse, parse_leniently


@pytest.mark.parametrize(
    ("raw", "value"),
    [(b"{}", {}), (b' {"a": [1, 2.5, null, true, "\xc3\xa9"]}\n', {"a": [1, 2.5, None, True, "é"]}), (b"1e3", 1000.0),
     (b'"\\ud83d\\ude00"', "😀"), (b"-0", 0), (b"12345678901234567890", 12345678901234567890)],
)  # fmt: skip
def test_strict_json_is_read(raw: bytes, value: object) -> None:
    assert parse(raw) == parse_leniently(raw) == value


@pytest.mark.parametrize(
    "raw",
    [b"", b" ", b"{", b"{}{}", b"{} x", b"{'a':1}", b"{a:1}", b'{"a":1,}', b"[1,]", b"01", b"+1", b".5", b"1.", b"0x1",
     b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"123456789012345678901", b"9" * 5000, b'"\\ud800"',
     b'{"\\udfff":1}', b'"a\nb"', b'"\x00"', b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b'"\xff"', b"\xc0\x80",
     b"[" * 33 + b"]" * 33, b"[" * 100_000, b'{"a":' * 40 + b"1" + b"}" * 40, b"// x\n{}", b"tru", b"None"],
)  # fmt: skip
def test_anything_but_strict_json_is_refused(raw: bytes) -> None:
    for read in (parse, parse_leniently):
        with pytest.raises(ValueError, match=r"^not strict JSON$") as refused:
            read(raw)
        assert refused.value.__cause__ is None  # json's own error would carry the document along


def test_a_repeated_member_is_refused_or_marked() -> None:
    raw = b'{"keys":[{"a":1,"a":1},{"a":1}]}'
    with pytest.raises(ValueError, match="not strict JSON"):
        parse(raw)
    assert [isinstance(entry, Repeated) for entry in parse_leniently(raw)["keys"]] == [True, False]
