"""Lines come back as they were received, from any byte on, and a bad one hides no other."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.webhook_log.lines import LogLine, UnreadableLine, body_fields, decode, encode
from nl_pipeline.webhook_log.reading import BadLine, read, segments

SEGMENT = "2026-11-25/13.ab12-1.jsonl"
AT = datetime(2026, 11, 25, 13, 4, 5, 678901, tzinfo=UTC)


def line(body: bytes, *, number: int = 1) -> LogLine:
    return LogLine(
        id=f"ab12-{number}",
        received_at=AT,
        provider="mailchimp",
        origin="person",
        signature="valid",
        headers={"user-agent": "MailChimp.com"},
        **body_fields(body),
    )


def written(folder: Path, content: bytes, *, segment: str = SEGMENT) -> Path:
    path = folder / segment
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return folder


@given(st.binary() | st.text().map(str.encode))
def test_any_body_is_one_line_and_comes_back_byte_for_byte(body: bytes) -> None:
    encoded = encode(line(body))

    assert encoded.count(b"\n") == 1
    assert decode(encoded).raw_body() == body
    assert decode(encoded).received_at == AT


CAUSES = ("not JSON", "JSON, but not a line of the log", "the body is not base64")


def cause_of(content: bytes) -> str:
    """Why a line is refused; empty if it is one."""
    try:
        decode(content)
    except UnreadableLine as unreadable:
        return str(unreadable)
    return ""


@given(st.binary())
def test_whatever_stands_in_a_line_it_is_read_or_refused(content: bytes) -> None:
    assert cause_of(content) in ("", *CAUSES)


def test_a_segment_is_read_on_from_any_byte_that_was_yielded(tmp_path: Path) -> None:
    lines = [line(b"%d" % number, number=number) for number in range(3)]
    folder = written(tmp_path, b"".join(map(encode, lines)))

    for position, (at, _) in enumerate(list(read(folder, segment=SEGMENT))):
        rest = [found for _, found in read(folder, segment=SEGMENT, from_byte=at)]
        assert rest == lines[position + 1 :]


def test_a_torn_last_line_is_not_yielded_until_it_is_whole(tmp_path: Path) -> None:
    whole, torn = encode(line(b"a")), encode(line(b"b", number=2))
    folder = written(tmp_path, whole + torn[:-1])

    ((at, found),) = read(folder, segment=SEGMENT)
    written(tmp_path, whole + torn)
    ((end, next_one),) = read(folder, segment=SEGMENT, from_byte=at)

    assert (found, next_one) == (line(b"a"), line(b"b", number=2))
    assert end == len(whole + torn)


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (b"erika@kunde.example\n", "not JSON"),
        (b"\x00\x00\x00\n", "not JSON"),
        (b"\n", "not JSON"),
        (b'{"id":1,"body":"erika@kunde.example"}\n', "JSON, but not a line of the log"),
        (b"[]\n", "JSON, but not a line of the log"),
        (encode(line(b"a")).replace(b"Z", b""), "JSON, but not a line of the log"),
        (encode(line(b"\xff")).replace(b'"/w=="', b'"erika!"'), "the body is not base64"),
        (encode(line(b"erika")).replace(b"erika", b"\xff\xfe"), "not JSON"),
    ],
)
def test_a_bad_line_is_told_without_its_text_and_hides_no_other(
    bad: bytes, cause: str, tmp_path: Path
) -> None:
    before, after = encode(line(b"a")), encode(line(b"b"))
    folder = written(tmp_path, before + bad + after)

    found = [item for _, item in read(folder, segment=SEGMENT)]

    assert found == [line(b"a"), BadLine(SEGMENT, len(before), cause), line(b"b")]
    assert "erika" not in repr(found)


def test_a_line_shows_neither_body_nor_headers() -> None:
    shown = repr(line(b"erika@kunde.example"))

    assert "erika" not in shown
    assert "MailChimp.com" not in shown


def test_segments_are_listed_by_name_with_their_size_and_day(tmp_path: Path) -> None:
    for name in ("2026-11-25/13.b-1.jsonl", "2026-11-24/23.z-9.jsonl", "2026-11-25/02.c-1.jsonl"):
        written(tmp_path, b"12345", segment=name)
    written(tmp_path, b"{}", segment="2026-11-25/notes.txt")
    (tmp_path / "signing_keys.json").write_text("[]")

    found = segments(tmp_path)

    assert [segment.name for segment in found] == [
        "2026-11-24/23.z-9.jsonl",
        "2026-11-25/02.c-1.jsonl",
        "2026-11-25/13.b-1.jsonl",
    ]
    assert {segment.size for segment in found} == {5}
    assert segments(tmp_path, day=date(2026, 11, 24)) == found[:1]
    assert segments(tmp_path, day=date(2026, 11, 23)) == []
    assert segments(tmp_path, since=date(2026, 11, 24)) == found
    assert segments(tmp_path, since=date(2026, 11, 25)) == found[1:]


def test_a_connection_that_never_received_has_no_segments(tmp_path: Path) -> None:
    assert segments(tmp_path / "agency") == []


def test_what_only_looks_like_a_day_hides_no_other(tmp_path: Path) -> None:
    written(tmp_path, b"12345")
    written(tmp_path, b"12345", segment="2026-02-30/13.b-1.jsonl")
    (tmp_path / "2026-11-24").write_text("a file")

    assert [segment.name for segment in segments(tmp_path)] == [SEGMENT]


def test_a_segment_that_its_writer_took_back_has_no_lines(tmp_path: Path) -> None:
    folder = written(tmp_path, encode(line(b"a")))
    (listed,) = segments(folder)
    (folder / SEGMENT).unlink()

    assert list(read(folder, segment=listed.name)) == []


@pytest.mark.parametrize("name", ["../signing_keys.json", "2026-11-25/../../x.jsonl", "/etc/hosts"])
def test_only_segments_can_be_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the name of a segment"):
        list(read(tmp_path, segment=name))
