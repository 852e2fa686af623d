"""s3 (Rust): the examples that AWS publishes, and a local server that computes each signature anew."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit
from xml.sax.saxutils import escape

import pytest

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY = "AKIAIOSFODNN7EXAMPLE"
AWS_DAY = int(datetime(2013, 5, 24, tzinfo=UTC).timestamp())


def signature(day: str, region: str, text: str) -> str:
    """AWS: derive a signing key from the date, the region and the service, and sign the text with it."""
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def canonical(method: str, target: str, headers: list[tuple[str, str]], body: str) -> str:
    """AWS: method, path, sorted query, headers, their names, and the body's hash, on lines of their own."""
    parts = urlsplit(target)
    pairs = sorted((quote(n, safe="-_.~"), quote(v, safe="-_.~")) for n, v in parse_qsl(parts.query, True))
    query = "&".join(f"{name}={value}" for name, value in pairs)
    lines = "".join(f"{name}:{value}\n" for name, value in headers)
    return "\n".join([method, parts.path, query, lines, ";".join(name for name, _ in headers), body])


class Storage:
    """S3-compatible storage of one bucket that answers nothing that is not signed rightly."""

    def __init__(self, web):
        self.web = web
        self.objects = {}
        self.paths = ("/box", "/box/a%20b/%C3%B6%26%2B.txt", "/box/n/1", "/box/n/2", "/box/n/3", "/box/none")
        for path in self.paths:
            web.answers[path] = self.answer

    def genuine(self, seen) -> bool:
        match = re.fullmatch(
            rf"AWS4-HMAC-SHA256 Credential={KEY}/(\d+)/([a-z0-9-]+)/s3/aws4_request,"
            r"SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})",
            seen.headers.get("authorization", ""),
        )
        if match is None or seen.headers["x-amz-content-sha256"] != hashlib.sha256(seen.body).hexdigest():
            return False
        day, region, names, given = match.groups()
        headers = [(name, seen.headers[name]) for name in names.split(";")]
        text = canonical(seen.method, seen.target, headers, seen.headers["x-amz-content-sha256"])
        digest = hashlib.sha256(text.encode()).hexdigest()
        stamp = seen.headers["x-amz-date"]
        scope = f"{day}/{region}/s3/aws4_request"
        return given == signature(day, region, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}")

    def answer(self, handler) -> None:
        seen = self.web.seen[-1]
        path = urlsplit(seen.target).path
        if not self.genuine(seen):
            handler.respond(403, b"<Error><Code>SignatureDoesNotMatch</Code><Message>wrong</Message></Error>")
        elif path == "/box":
            handler.respond(200, self.page(dict(parse_qsl(urlsplit(seen.target).query))).encode())
        elif seen.method == "PUT":
            self.objects[path] = (seen.body, seen.headers["content-type"])
            handler.respond(200, ETag=f'"{hashlib.md5(seen.body, usedforsecurity=False).hexdigest()}"')
        elif path not in self.objects and seen.method == "GET":
            handler.respond(404, b"<Error><Code>NoSuchKey</Code><Message>It &lt;is&gt; not there</Message></Error>")
        elif seen.method == "GET":
            handler.respond(200, self.objects[path][0])
        else:
            self.objects.pop(path, None)
            handler.respond(204)

    def page(self, query) -> str:
        names = ["n/1", "n/<2>", "n/3"]
        start = int(query.get("continuation-token", "0"))
        end = start + int(query.get("max-keys", "1000"))
        entries = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(name)}</Size><ETag>&quot;e{name[2]}&quot;</ETag></Contents>"
            for name in names[start:end]
        )
        more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < len(names) else ""
        return f"<ListBucketResult><Prefix>{query['prefix']}</Prefix>{entries}{more}</ListBucketResult>"


@pytest.fixture
def storage(web):
    return Storage(web)


@pytest.fixture
def s3(host, web, storage):
    return host("s3", web.url()[:-1], S3_ENDPOINT=web.url(), AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET)


def test_objects_go_there_and_come_back(s3, storage) -> None:
    place = {"bucket": "box", "key": "a b/ö&+.txt"}
    body = 'Wörld "\\\n' * 50
    put = s3.data("s3.put", {**place, "body": body})
    assert put == {"etag": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()}
    assert storage.objects["/box/a%20b/%C3%B6%26%2B.txt"] == (body.encode(), "text/plain; charset=utf-8")
    assert s3.data("s3.get", place) == {"body": body}
    s3.data("s3.delete", place)
    assert not storage.objects
    assert s3.error("s3.get", {**place, "key": "none"}) == "the storage answered 404: NoSuchKey It <is> not there"


def test_pages_of_a_list(s3) -> None:
    first = s3.data("s3.list", {"bucket": "box", "prefix": "n/ö", "limit": 2})
    assert first["objects"] == [{"key": "n/1", "size": 3, "etag": "e1"}, {"key": "n/<2>", "size": 5, "etag": "e<"}]
    rest = s3.data("s3.list", {"bucket": "box", "prefix": "n/ö", "after": first["next"]})
    assert rest == {"objects": [{"key": "n/3", "size": 3, "etag": "e3"}], "next": ""}


def test_a_wrong_secret_is_refused(host, web, storage) -> None:
    s3 = host("s3", web.url()[:-1], S3_ENDPOINT=web.url(), AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY="other")
    assert "SignatureDoesNotMatch" in s3.error("s3.get", {"bucket": "box", "key": "n/1"})


def test_the_examples_of_aws(build, host) -> None:
    """The values are those of "Examples: Signature Calculations" and "Query string authentication" in AWS's manual."""
    from support.toolchains import PluginBench

    bench = PluginBench(
        build("s3"),
        environment={
            "S3_ENDPOINT": "https://{bucket}.s3.amazonaws.com",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        },
        realtime=lambda: AWS_DAY * 1_000_000_000,
    )
    url = bench.data("s3.presign", {"bucket": "examplebucket", "key": "test.txt", "expires": 86400})["url"]
    assert url == (
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )
    listing = bench.data("s3.sign", {"bucket": "examplebucket", "query": {"max-keys": "2", "prefix": "J"}})["headers"]
    assert listing["Authorization"].endswith(
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )
    lifecycle = bench.data("s3.sign", {"bucket": "examplebucket", "query": {"lifecycle": ""}})["headers"]
    assert lifecycle["Authorization"].endswith(
        "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    )
    assert "1 to 604800" in bench.error("s3.presign", {"bucket": "b", "key": "k", "expires": 604801})
    assert "bucket must be" in bench.error("s3.presign", {"bucket": "b/../c", "key": "k"})
    bench.close()
