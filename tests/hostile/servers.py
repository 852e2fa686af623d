"""Generates HTTP servers that misbehave, and runs them on loopback.

An answer is what a server does once it has read a request: bytes to send, ``Pause`` seconds, ``Reset``, in any number.
"""

from __future__ import annotations

import gzip
import json
import random
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import Enum, auto
from itertools import chain, repeat
from threading import Event, Thread

from attrs import define, field, frozen

GOOD = b"/good/"
"""Paths below it are answered with their own name as JSON, whatever the server does elsewhere."""
OTHER = "OTHER"
"""In an answer: the port of a server that no request may reach."""
OWN = "OWN"
"""In an answer: the port of the server itself."""
_OK = b"HTTP/1.1 200 OK\r\n"
_ONE = _OK + b"Content-Length: 1\r\n\r\n"
_ENOUGH = 4 << 20
"""Bytes, beyond all limits of the client that is tried."""


@frozen
class Pause:
    seconds: float


class Reset:
    """Ends the connection with a reset instead of an orderly close."""


Step = bytes | Pause | Reset


class Verdict(Enum):
    """Whether the specification lets the client take the answer."""

    ANSWER = auto()
    ERROR = auto()
    EITHER = auto()


class Speech(Enum):
    """The language that the URL says and the one that the server speaks."""

    PLAIN = auto()
    TLS = auto()
    PLAIN_FOR_TLS = auto()
    TLS_FOR_PLAIN = auto()

    @property
    def scheme(self) -> str:
        return "https" if self in (Speech.TLS, Speech.PLAIN_FOR_TLS) else "http"

    @property
    def encrypted(self) -> bool:
        return self in (Speech.TLS, Speech.TLS_FOR_PLAIN)

    @property
    def mixed(self) -> bool:
        return self in (Speech.PLAIN_FOR_TLS, Speech.TLS_FOR_PLAIN)


@frozen
class Case:
    """One misbehaving server. ``stays`` keeps its connection open after the answer, as keep-alive does."""

    name: str
    answer: Callable[[], Iterable[Step]]
    verdict: Verdict = Verdict.ERROR
    method: str = "GET"
    speech: Speech = Speech.PLAIN
    stays: bool = False


def fixed(*steps: Step) -> Callable[[], Iterable[Step]]:
    return lambda: steps


def endless(head: bytes, *steps: Step) -> Callable[[], Iterable[Step]]:
    return lambda: chain([head], chain.from_iterable(repeat(steps)))


def drip(data: bytes, head: bytes = b"") -> Callable[[], Iterable[Step]]:
    """Send a byte at a time, so that each read succeeds but the whole takes minutes."""

    def steps() -> Iterator[Step]:
        yield head
        for at in range(len(data)):
            yield data[at : at + 1]
            yield Pause(0.02)

    return steps


def _size(chance: random.Random, smallest: int, largest: int) -> int:
    return int(smallest * (largest / smallest) ** chance.random())


def _headers(chance: random.Random) -> Case:
    """Too many, too long, without end, or not what the grammar has."""
    many, long = _size(chance, 1000, 100_000), _size(chance, 200_000, _ENOUGH)
    lines = {
        "many": b"".join(b"X-%d: y\r\n" % number for number in range(many)),
        "long value": b"X: " + b"y" * long + b"\r\n",
        "long name": b"x" * long + b": y\r\n",
        "folded": b"X: y\r\n" + b" z\r\n" * (many + 60_000),
        "NUL": b"X: a\0b\r\n",
        "no colon": b"X y\r\n",
        "space before the colon": b"X : y\r\n",
        "empty name": b": y\r\n",
        "name not ASCII": b"\xc3\xa4: y\r\n",
        "folded first": b" X: y\r\n",
        "spaces": b"X: " + b" a" * 45_000 + b"\0\r\n",
        "tabs": b"X: a" + b"\t " * 45_000 + b"\0\r\n",
    }
    name = chance.choice(sorted(lines))
    return Case(f"headers: {name}", fixed(_OK + lines[name] + b"Content-Length: 1\r\n\r\nx"))


def _strange_headers(chance: random.Random) -> Case:
    """Odd, but allowed by the grammar or by what clients accept."""
    value = chance.choice(
        [
            b"\xff\xfe\x80",
            b"\xc3\xa4",
            b"a\x07\x1b[2Jb",
            b"y\r\n z\r\n\tz",
            b"",
            b"\t",
            b'"' * 1000,
            b";" * 30_000,
            b" ",
        ]
    )
    name = chance.choice([b"X", b"Set-Cookie", b"Date", b"Server", b"-", b"---a", b"Content-Language", b"Trailer"])
    answer = _OK + (name + b": " + value + b"\r\n") * chance.randint(1, 60) + b"Content-Length: 2\r\n\r\n{}"
    return Case(f"strange headers: {name!r} {value[:9]!r}", fixed(answer), Verdict.EITHER)


def _flood(chance: random.Random) -> Case:
    """Something without end, as fast as it goes."""
    answers = {
        "status line": endless(b"HTTP/1.1 200 ", b"O" * 5000),
        "headers": endless(_OK, b"A: b\r\n" * 1000),
        "one header": endless(_OK + b"A: ", b"b" * 5000),
        "body": endless(_OK + b"\r\n", b"x" * 65536),
        "long body": endless(_OK + b"Content-Length: 999999999999\r\n\r\n", b"x" * 65536),
        "chunks": endless(_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000),
        "chunk extensions": endless(_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"y" * 50_000 + b"\r\nx\r\n"),
        "trailers": endless(_OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n" * 1000),
        "zeros of a chunk's size": endless(_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 5000),
        "1xx": endless(b"", b"HTTP/1.1 103 Early\r\n\r\n" * 2000),
        "1xx with headers": endless(b"", b"HTTP/1.1 103 Early\r\n" + b"Link: </a>\r\n" * 1000 + b"\r\n"),
        "NULs": endless(b"", b"\0" * 5000),
        "empty lines": endless(b"", b"\r\n" * 5000),
        "noise": endless(b"", chance.randbytes(5000)),
    }
    name = chance.choice(sorted(answers))
    return Case(f"flood: {name}", answers[name])


def _slow(chance: random.Random) -> Case:
    """Progress that never ends, or none."""
    answers = {
        "silence": fixed(Pause(60)),
        "status line": drip(_OK * 100),
        "headers": drip(b"A: b\r\n" * 1000, _OK),
        "header": drip(b"b" * 1000, _OK + b"A: "),
        "body": drip(b"x" * 1000, _OK + b"Content-Length: 1000\r\n\r\n"),
        "body without length": drip(b"x" * 1000, _OK + b"\r\n"),
        "chunks": drip(b"1\r\nx\r\n" * 1000, _OK + b"Transfer-Encoding: chunked\r\n\r\n"),
        "gzip": drip(gzip.compress(b"") * 100, _OK + b"Content-Encoding: gzip\r\n\r\n"),
        "1xx": endless(b"", b"HTTP/1.1 103 Early\r\n\r\n", Pause(0.02)),
        "last byte": fixed(_OK + b"Content-Length: 5\r\n\r\nfour", Pause(60), b"!"),
        "missing last chunk": fixed(_OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", Pause(60)),
    }
    name = chance.choice(sorted(answers))
    return Case(f"slow: {name}", answers[name], speech=chance.choice([Speech.PLAIN, Speech.PLAIN, Speech.TLS]))


def _chunks(chance: random.Random) -> Case:
    """Chunked bodies with errors (RFC 9112, 7.1)."""
    bodies = {
        "huge": b"f" * 16 + b"\r\nx",
        "beyond 64 bits": b"1" + b"0" * 16 + b"1\r\nx\r\n0\r\n\r\n",
        "many digits": b"0" * 60_000 + b"1\r\nx\r\n0\r\n\r\n",
        "negative": b"-1\r\nx\r\n0\r\n\r\n",
        "signed": b"+1\r\nx\r\n0\r\n\r\n",
        "0x": b"0x1\r\nx\r\n0\r\n\r\n",
        "underscore": b"1_0\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n",
        "empty": b"\r\nx\r\n0\r\n\r\n",
        "no final chunk": b"1\r\nx\r\n",
        "no final line": b"1\r\nx\r\n0\r\n",
        "too short": b"5\r\nx\r\n0\r\n\r\n",
        "too long": b"1\r\nxyz\r\n0\r\n\r\n",
        "bad trailer": b"1\r\nx\r\n0\r\na b\r\n\r\n",
        "noise": chance.randbytes(200),
    }
    name = chance.choice(sorted(bodies))
    return Case(f"chunks: {name}", fixed(_OK + b"Transfer-Encoding: chunked\r\n\r\n" + bodies[name]))


def _lengths(chance: random.Random) -> Case:
    """Content-Length that is wrong, or that another header contradicts (RFC 9112, 6.3)."""
    many = chance.choice([19, 30, 400, 4299, 4301, 40_000])
    fields = {
        "too long": b"Content-Length: 9\r\n\r\nx",
        "negative": b"Content-Length: -1\r\n\r\nx",
        "signed": b"Content-Length: +1\r\n\r\nx",
        "hexadecimal": b"Content-Length: 0x1\r\n\r\nx",
        "underscore": b"Content-Length: 1_0\r\n\r\n" + b"x" * 10,
        "empty": b"Content-Length:\r\n\r\nx",
        "two": b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
        "two in one": b"Content-Length: 1, 2\r\n\r\nxy",
        "fraction": b"Content-Length: 1.0\r\n\r\nx",
        "other digits": b"Content-Length: \xb2\r\n\r\nxy",
        f"{many} digits": b"Content-Length: " + b"9" * many + b"\r\n\r\nx",
        "unknown coding": b"Transfer-Encoding: br\r\n\r\nx",
        "coded twice": b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "coding before chunked": b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    }
    name = chance.choice(sorted(fields))
    return Case(f"lengths: {name}", fixed(_OK + fields[name]))


def _codings(chance: random.Random) -> Case:
    """Bombs and ruins of gzip."""
    bomb = gzip.compress(b"\0" * 20_000_000)
    bodies = {
        "bomb": bomb,
        "bomb in parts": bomb[: len(bomb) // 2],
        "many members": gzip.compress(b"") * _size(chance, 60_000, 200_000),
        "bomb in members": gzip.compress(b"\0" * 100_000) * 100,
        "cut": gzip.compress(b"x" * 100)[:-4],
        "tail": gzip.compress(b"x") + b"tail",
        "wrong sum": gzip.compress(b"x" * 100)[:-8] + b"\0" * 8,
        "noise": chance.randbytes(1000),
        "endless name": b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"n" * _ENOUGH,
    }
    name = chance.choice(sorted(bodies))
    field_ = chance.choice([b"gzip", b"x-gzip", b" GZIP "])
    body = bodies[name]
    head = _OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (field_, len(body))
    return Case(f"gzip: {name}", fixed(head, body))


def _redirects(chance: random.Random) -> Case:
    """Redirects that must not be followed, or not for ever. No connection may reach ``OTHER``."""
    status = chance.choice([301, 302, 303, 307, 308])
    targets = [
        f"http://127.0.0.1:{OTHER}/",
        f"http://localhost:{OTHER}/",
        f"//127.0.0.1:{OTHER}/",
        f"http://[::ffff:127.0.0.1]:{OTHER}/",
        f"http://2130706433:{OTHER}/",
        f"http://0x7f.1:{OTHER}/",
        f"http://127.0.0.1:{OWN}@127.0.0.1:{OTHER}/",
        f"http://127.0.0.1:{OTHER}#@127.0.0.1:{OWN}/",
        f"http://127.0.0.1:{OWN}\\@127.0.0.1:{OTHER}/",
        f"http://user:word@127.0.0.1:{OWN}/",
        "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://0/",
        "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "javascript:0", "data:,x", "unix:/run/x",
        "http://", "http:///", "http://[::1", "http://127.0.0.1:99999/", "http://127.0.0.1:-1/", "http://a..b/",
        "http://" + "a" * 300 + "/", "/" + "a" * 60_000, "/" + "../" * 20_000 + "x" * 20_000,
        f"http://127.0.0.1:{OTHER}/\x01", "?" + "%" * 20_000, "http://xn--" + "a" * 60 + "/", "http://\xe4/",
    ]  # fmt: skip
    target = chance.choice(targets)
    head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n"
    return Case(f"redirect: {status} {target[:80]!r}", fixed(head.encode("latin-1")), stays=chance.random() < 0.5)


def _loops(chance: random.Random) -> Case:
    """Redirects of the server to itself, without end."""
    location = chance.choice(["", "?", "/", "/again", f"http://127.0.0.1:{OWN}/x", "/a" * 5000, "." * 9])
    head = f"HTTP/1.1 302 Again\r\nLocation: {location}\r\n".encode()
    answers = {
        "at once": fixed(head + b"Content-Length: 0\r\n\r\n"),
        "slowly": fixed(Pause(0.2), head + b"Content-Length: 0\r\n\r\n"),
        "with a body without end": endless(head + b"\r\n", b"x" * 65536),
        "dripping": drip(head * 9),
    }
    name = chance.choice(sorted(answers))
    # An empty Location is the same URL, which is a loop as well.
    return Case(f"loop: {name} to {location[:30]!r}", answers[name], stays=chance.random() < 0.5)


def _cut(chance: random.Random) -> Case:
    """The connection ends too early: everywhere within a response that is whole otherwise."""
    whole = _OK + b"Transfer-Encoding: chunked\r\nA: b\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    at = chance.randrange(len(whole))
    steps = chance.choice([(whole[:at],), (whole[:at], Reset()), (whole[:at], Pause(0.05), Reset())])
    return Case(f"cut: {at} of {len(whole)}", fixed(*steps), speech=chance.choice([Speech.PLAIN, Speech.TLS]))


def _not_http(chance: random.Random) -> Case:
    """What is not HTTP/1: other protocols, other versions, noise."""
    data = chance.choice(
        [
            b"", b"hello\r\n", b"<html>0.9</html>", b"SSH-2.0-x\r\n", b"220 smtp\r\n", b"\0" * 1000,
            b"ICY 200 OK\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\0\x12\x04" + b"\0" * 23, b"HTTP/1.1 20 OK\r\n\r\n",
            b"HTTP/1.1 OK\r\n\r\n",
            b"HTTP/1.1 2000 OK\r\n\r\n", b"HTTP/1.1 -20 OK\r\n\r\n", b"HTTP/1.1 000 OK\r\n\r\n",
            b"HTTP/1.1 099 OK\r\n\r\n",
            b"HTTP/11 200 OK\r\n\r\n", b"HTTP/x.y 200 OK\r\n\r\n", b"http/1.1 200 OK\r\n\r\n", b"\r\n\r\n",
            b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + b"y" * 1000,
            b"HTTP/1.1 101 Switching\r\n\r\n" + _ONE + b"1", b"HTTP/1.1 200 OK\0\r\n\r\n",
            b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n",
            b"\x15\x03\x01\x00\x02\x02\x46", chance.randbytes(3000), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ]
    )  # fmt: skip
    return Case(f"no HTTP: {data[:40]!r}", fixed(data))


def _leftover(chance: random.Random) -> Case:
    """A response, and then one that nobody asked for: the next request must not get it."""
    body = b'{"path":"nobody asked"}'
    second = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    extra = chance.choice(
        [second, second * 3, second[:30], b"x", b"\r\n" + second, b"HTTP/1.1 103 Early\r\n\r\n", second * 500]
    )
    firsts = {
        "length": ("GET", _ONE + b"1"),
        "chunks": ("GET", _OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n"),
        "length and chunks": ("GET", _OK + b"Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        "too short": ("GET", _OK + b"Content-Length: 1\r\n\r\n12345"),
        "204": ("GET", b"HTTP/1.1 204 None\r\n\r\n"),
        "204 with a length": ("GET", b"HTTP/1.1 204 None\r\nContent-Length: 999\r\n\r\n"),
        "304": ("GET", b"HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n"),
        "HEAD": ("HEAD", _OK + b"Content-Length: 5\r\n\r\n"),
        "1xx first": ("GET", b"HTTP/1.1 103 Early\r\n\r\n" + _ONE + b"1"),
        "gzip": ("GET", _OK + b"Content-Encoding: gzip\r\nContent-Length: 21\r\n\r\n" + gzip.compress(b"1", mtime=0)),
    }  # fmt: skip
    name = chance.choice(sorted(firsts))
    method, first = firsts[name]
    steps = chance.choice([(first + extra,), (first, extra), (first, Pause(0.05), extra)])
    speech = chance.choice([Speech.PLAIN, Speech.TLS])
    return Case(f"leftover: after {name}", fixed(*steps), Verdict.ANSWER, method, speech, stays=True)


def _content_types(chance: random.Random) -> Case:
    """Content-Type, which the host parses to find the charset."""
    many = _size(chance, 10, 60_000)
    value = chance.choice(
        [
            b"text/plain; charset=" + chance.choice([b"hex", b"idna", b"punycode", b"unicode_escape", b"x" * many]),
            b"text/plain; charset*=hex''%00%ff",
            b"text/plain; charset*=punycode''" + b"a" * many,
            b"text/plain; charset*0=utf; charset*1=-8",
            b"text/plain; charset*0*=utf-8''a; charset*=b",
            b"text/plain; charset*" + b"9" * many + b"=a",
            b"text/plain; charset*0*=a; charset*0*=b; charset*=c; charset*1=d",
            b'text/plain; charset="' + b";" * many,
            b"text/plain" + b'; "' * (many // 3),
            b"text/plain" + b"; charset=a" * (many // 11),
            b"text/plain; charset=\xff\xfe",
            b"text/plain; charset='utf-8",
            b'text/plain; charset="\\',
            b"text/plain; charset==?utf-8?q?=00?=",
            b";", b"=", b"/", b"charset", b"; charset", b"; charset=", b"*=", b"; *=''",
            b"; charset*=''", b"; charset*=a'b",
        ]
    )  # fmt: skip
    body = chance.randbytes(100)
    head = _OK + b"Content-Type: " + value + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    return Case(f"content type: {value[:60]!r}", fixed(head + body), Verdict.ANSWER)


def _documents(chance: random.Random) -> Case:
    """Bodies that are JSON, or nearly, and cost much to read."""
    size = _size(chance, 10_000, 800_000)
    bodies = {
        "nested": b"[" * size + b"]" * chance.choice([0, size]),
        "nested objects": b'{"a":' * (size // 5),
        "empty lists": b"[" + b"[]," * (size // 3) + b"0]",
        "objects": b"[" + b'{"":0},' * (size // 7) + b"0]",
        "digits": b"9" * size,
        "fraction": b"0." + b"1" * size,
        "exponent": b"1e" + b"9" * size,
        "escapes": b'"' + b"\\u0000" * (size // 6) + b'"',
        "surrogates": b'"' + b"\\ud800" * (size // 6) + b'"',
        "not UTF-8": b'"' + b"\xff" * size + b'"',
        "NULs": b"\0" * size,
        "quotes": b'"' * size,
        "open string": b'["' + b"\\" * size,
        "one key": b"{" + b'"a":0,' * (size // 6) + b'"a":0}',
        "keys": b"{" + b",".join(b'"%d":0' % number for number in range(size // 9)) + b"}",
        "spaces": b" " * size,
        "not finite": b"[NaN, Infinity, -Infinity]",
    }
    name = chance.choice(sorted(bodies))
    body = bodies[name]
    head = _OK + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    # A reply can be longer than the guest accepts, which is an error of the reply.
    return Case(f"document: {name}, {size}", fixed(head, body), Verdict.EITHER)


def _speeches(chance: random.Random) -> Case:
    """TLS where plain text is expected, and the other way round."""
    hello = b"\x16\x03\x03"
    answers = [
        (Speech.TLS_FOR_PLAIN, fixed(b"")),
        (Speech.PLAIN_FOR_TLS, fixed(_ONE + b"1")),
        (Speech.PLAIN_FOR_TLS, fixed(b"")),
        (Speech.PLAIN_FOR_TLS, fixed(Reset())),
        (Speech.PLAIN_FOR_TLS, fixed(Pause(60))),
        (Speech.PLAIN_FOR_TLS, fixed(hello + b"\xff\xff", chance.randbytes(70_000))),
        (Speech.PLAIN_FOR_TLS, drip(hello + b"\x40\x00\x02" + b"\0" * 1000)),
        (Speech.PLAIN_FOR_TLS, endless(b"", chance.randbytes(5000))),
        (Speech.PLAIN_FOR_TLS, endless(b"", b"\x15\x03\x03\x00\x02\x01\x00" * 1000)),
        (Speech.PLAIN_FOR_TLS, fixed(b"\x15\x03\x03\x00\x02\x02\x28")),
    ]
    speech, answer = chance.choice(answers)
    return Case(f"speech: {speech.name}", answer, speech=speech)


KINDS: Sequence[Callable[[random.Random], Case]] = (
    _headers, _strange_headers, _flood, _slow, _chunks, _lengths, _codings, _redirects, _loops, _cut, _not_http,
    _leftover, _content_types, _documents, _speeches,
)  # fmt: skip


@define(eq=False)
class Server:
    """A listener on loopback that plays a case on each of its connections, but for paths below ``GOOD``."""

    case: Case
    tls: ssl.SSLContext
    listener: socket.socket = field(factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=64))
    closing: Event = field(factory=Event)
    other: int = 0
    connections: int = 0

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def url(self, path: str) -> str:
        return f"{self.case.speech.scheme}://127.0.0.1:{self.port}{path}"

    def serve(self) -> None:
        while not self.closing.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:  # the listener was closed
                return
            self.connections += 1
            Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(30)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.case.speech.encrypted:
                connection = self.tls.wrap_socket(connection, server_side=True)
            if self.case.speech is Speech.PLAIN_FOR_TLS:
                connection.recv(65536)  # the client's first message
                self._play(connection)
            else:
                while self._answer(connection):
                    pass
        except OSError:  # the client has gone, as it must
            pass
        finally:
            connection.close()

    def _answer(self, connection: socket.socket) -> bool:
        """Read a request and answer; return whether the connection stays."""
        request = b""
        while b"\r\n\r\n" not in request:
            data = connection.recv(65536)
            if not data:
                return False
            request += data
        path = request.split(b" ")[1]
        if path.startswith(GOOD):
            body = json.dumps({"path": path.decode()}).encode()
            connection.sendall(_OK + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            return True
        return self._play(connection) and self.case.stays

    def _play(self, connection: socket.socket) -> bool:
        for step in self.case.answer():
            match step:
                case Pause():
                    if self.closing.wait(step.seconds):
                        return False
                case Reset():
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return False
                case _:
                    own, other = str(self.port).encode(), str(self.other).encode()
                    connection.sendall(step.replace(OWN.encode(), own).replace(OTHER.encode(), other))
        return True


@contextmanager
def running(cases: Iterable[Case], tls: ssl.SSLContext) -> Iterator[tuple[list[Server], Server]]:
    """Run a server for each case, and the one that no request may reach."""
    other = Server(Case("other", fixed(_ONE + b"1")), tls)
    servers = [Server(case, tls, other=other.port) for case in cases]
    with ExitStack() as stack:
        for server in (*servers, other):
            stack.callback(server.listener.close)
            stack.callback(server.listener.shutdown, socket.SHUT_RDWR)
            stack.callback(server.closing.set)
            Thread(target=server.serve, daemon=True).start()
        yield servers, other
