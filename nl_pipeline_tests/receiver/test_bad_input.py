"""Whatever arrives, honest callers are served and nothing of it is repeated."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nl_pipeline.receiver.signatures import is_signed
from nl_pipeline_tests.receiver.serving import (
    BODY,
    Running,
    path_of,
    read_to_the_end,
    serving,
    wait_for,
)

HEAD = f"POST {path_of()} HTTP/1.1\r\nhost: receiver\r\n".encode()


def sent(receiver: Running, data: bytes) -> bytes:
    """What comes back for bytes that are not a request of a library, until the end."""
    with receiver.connect() as connection:
        connection.sendall(data)
        return read_to_the_end(connection)


def test_a_body_of_20_mb_is_refused_whether_announced_or_not(receiver: Running) -> None:
    large = b"x" * 20_000_000

    announced = receiver.post(large)
    with receiver.connect() as connection:
        connection.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        connection.sendall(b"%x\r\n" % 1_100_000 + large[:1_100_000] + b"\r\n")
        chunked = connection.recv(1000)

    assert announced.status_code == 413
    assert chunked.startswith(b"HTTP/1.1 413")
    assert receiver.lines() == []


def test_a_body_announced_too_large_is_refused_before_it_comes(receiver: Running) -> None:
    with receiver.connect() as connection:
        connection.sendall(HEAD + b"content-length: 20000000\r\n\r\n")
        answer = connection.recv(1000)

    assert answer.startswith(b"HTTP/1.1 413")


def test_the_largest_body_allowed_is_stored(receiver: Running) -> None:
    assert receiver.post(b"x" * 1_000_000).status_code == 200
    assert receiver.post(b"x" * 1_000_001).status_code == 413
    assert [len(line.raw_body()) for line in receiver.lines()] == [1_000_000]


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\r\n",
        b"POST /hoo",
        HEAD,
        HEAD + b"content-length: 100\r\n\r\ntype=unsub",
        HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\ntype=\r\n",
    ],
    ids=["nothing", "a line end", "half a line", "half a head", "half a body", "half the chunks"],
)
def test_a_slow_sender_is_cut(start: bytes, receiver: Running) -> None:
    answer = sent(receiver, start)

    assert answer == b""
    assert receiver.metric('refused_total{cause="too_slow"}') == 1
    assert receiver.lines() == []


def test_a_second_request_that_does_not_end_is_cut_too(receiver: Running) -> None:
    whole = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY

    answer = sent(receiver, whole + b"POST /hoo")

    assert answer.startswith(b"HTTP/1.1 200")
    assert len(receiver.lines()) == 1
    assert receiver.metric('refused_total{cause="too_slow"}') == 1


def test_a_sender_that_leaves_in_the_middle_stores_nothing(receiver: Running) -> None:
    with receiver.connect() as connection:
        connection.sendall(HEAD + b"content-length: 100\r\n\r\ntype=unsub")

    wait_for('refused_total{cause="broken_off"}', running=receiver, value=1)
    assert receiver.lines() == []


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"x-long: " + b"x" * 17_000,
        HEAD + b"x-long: " + b"x" * 17_000 + b"\r\ncontent-length: 0\r\n\r\n",
        b"POST /" + b"x" * 17_000,
        HEAD + b"x: y\r\n" * 6000,
    ],
    ids=["without end", "complete", "path", "many"],
)
def test_headers_without_measure_are_refused(head: bytes, receiver: Running) -> None:
    assert sent(receiver, head).startswith(b"HTTP/1.1 431")
    assert receiver.metric('refused_total{cause="headers_too_large"}') == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"erika@kunde.example\r\n\r\n",
        HEAD + b"content-length: many\r\n\r\n",
        HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcde",
        b"POST \xff HTTP/1.1\r\n\r\n",
    ],
    ids=["TLS", "no HTTP", "no number", "two lengths", "path of bytes"],
)
def test_what_is_not_http_is_refused_and_not_logged(
    garbage: bytes, receiver: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = sent(receiver, garbage)

    assert answer.startswith(b"HTTP/1.1 400")
    assert caplog.text == ""
    assert receiver.post().status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\x01\xff",
        b"{}",
        b"type",
        b"\xfc",
        "ü€😀".encode(),
        b"\r\n",
        b"a\nb\n",
        b"\xed\xa0\x80",
    ],
)
def test_a_body_that_is_no_form_is_stored_byte_for_byte(body: bytes, receiver: Running) -> None:
    assert receiver.post(body).status_code == 200
    assert [line.raw_body() for line in receiver.lines()] == [body]


def test_one_connection_too_many_costs_the_one_that_waits_longest(tmp_path: Path) -> None:
    with serving(tmp_path, limits="open_connections: 3") as receiver:
        slow = [receiver.connect() for _ in range(3)]
        for connection in slow:
            connection.sendall(HEAD)

        honest = [receiver.post().status_code for _ in range(5)]
        ends = [read_until_cut(connection) for connection in slow]

    assert honest == [200] * 5
    assert ends[0] == "cut"


def read_until_cut(connection: socket.socket) -> str:
    """`cut` if the other side ended the connection, else `open`. Closes it."""
    connection.setblocking(False)
    try:
        return "cut" if connection.recv(1) == b"" else "answered"
    except ConnectionResetError:
        return "cut"
    except BlockingIOError:
        return "open"
    finally:
        connection.close()


def test_idle_connections_make_room_as_well(tmp_path: Path) -> None:
    with serving(tmp_path, limits="open_connections: 3") as receiver:
        idle = [receiver.connect() for _ in range(3)]
        for connection in idle:
            connection.sendall(b"GET /nothing HTTP/1.1\r\nhost: receiver\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 404")

        assert receiver.post().status_code == 200
        assert read_until_cut(idle[0]) == "cut"
        for connection in idle[1:]:
            connection.close()


@given(header=st.text() | st.lists(st.sampled_from(["t=1", "v1=0", "=", ",", " "])).map("".join))
def test_no_header_makes_the_check_fail_or_pass(header: str) -> None:
    assert not is_signed(BODY, header=header, signing_secrets=["secret"], now=1.0, tolerance=300.0)
