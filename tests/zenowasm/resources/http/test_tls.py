"""HTTPS with certificates of the test's own authority: the name is checked, whatever address is connected to."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys

import pytest
import trustme
from support.web import serving

from zenowasm.resources.http.client import HttpClient, HttpSettings
from zenowasm.resources.http.errors import ExchangeError


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = trustme.CA()
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return made, path


@pytest.fixture
def https(authority):
    """Makes servers with a certificate for the given names."""
    made, _ = authority

    def serve(*names):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.issue_cert(*names).configure_cert(context)
        return serving(tls=context)

    return serve


@pytest.fixture
def trusting(authority):
    with HttpClient(HttpSettings(ca_file=authority[1]), lookup=lambda host, port: ["127.0.0.1"]) as made:
        yield made


def test_a_name_in_the_certificate(https, trusting, named):
    with https("good.test") as web:
        web.answers["/"] = lambda handler: handler.respond(200, b"secret")
        for _ in range(2):
            assert trusting.request("GET", web.url(host="good.test"), permit=named).body == b"secret"
        assert web.seen[0].headers["host"] == f"good.test:{web.port}"
        assert web.connections == 1


def test_an_address_in_the_certificate(https, trusting, named):
    with https("127.0.0.1") as web:
        web.answers["/"] = lambda handler: handler.respond(200)
        assert trusting.request("GET", web.url(), permit=named).status == 200


def test_the_server_is_told_the_name(authority, trusting, named):
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("good.test").configure_cert(context)
    context.sni_callback = lambda connection, name, context: names.append(name)
    with serving(tls=context) as web:
        web.answers["/"] = lambda handler: handler.respond(200)
        trusting.request("GET", web.url(host="good.test"), permit=named)
    assert names == ["good.test"]


@pytest.mark.parametrize("names", [["other.test"], ["*.good.test"], ["127.0.0.1"]])
def test_a_certificate_for_another_name(https, trusting, named, names):
    with https(*names) as web, pytest.raises(ExchangeError, match=r"^certificate verify failed$"):
        trusting.request("GET", web.url(host="good.test"), permit=named)
    assert web.seen == []


def test_an_authority_that_nobody_trusts(https, named):
    with https("127.0.0.1") as web, HttpClient() as client:
        with pytest.raises(ExchangeError, match=r"^certificate verify failed$"):
            client.request("GET", web.url(), permit=named)
        assert web.seen == []


def test_a_server_without_tls(web, client, named):
    url = web.url().replace("http:", "https:")
    with pytest.raises(ExchangeError, match=r"^TLS failed$"):
        client.request("GET", url, permit=named)


def test_a_handshake_that_never_ends(named):
    with socket.create_server(("127.0.0.1", 0)) as silent, HttpClient(HttpSettings(seconds=0.3)) as client:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(ExchangeError, match=r"^timed out$"):
            client.request("GET", url, permit=named)


def test_the_library_is_imported_with_the_first_request_only():
    code = (
        "import sys; from zenowasm.resources.http.client import HttpClient; HttpClient(); "
        "print('httpcore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "False\n"
