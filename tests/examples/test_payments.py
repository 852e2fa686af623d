"""payments (Go) against a local server that answers as a payment API does, and webhooks signed by Python's hmac."""

from __future__ import annotations

import hashlib
import hmac
import json
from urllib.parse import parse_qs

import pytest
from support.toolchains import NOW

from zenowasm.plugin.errors import InputError

SECRET = "whsec_test"


class PaymentAPI:
    """A payment API: charges are made once for each idempotency key."""

    def __init__(self, web):
        self.web = web
        self.made = {}
        self.failures = 0
        web.answers["/v1/charges"] = self.charges
        web.answers["/v1/refunds"] = self.refunds

    def charges(self, handler) -> None:
        seen = self.web.seen[-1]
        if seen.headers.get("authorization") != "Bearer sk_test":
            return self.answer(handler, 401, {"error": {"message": "Invalid API Key provided"}})
        if seen.method == "GET":
            return self.answer(handler, 200, {"data": list(self.made.values())[:2], "has_more": True})
        if self.failures:
            self.failures -= 1
            return self.answer(handler, 503, {})
        form = {key: values[0] for key, values in parse_qs(seen.body.decode()).items()}
        if form["source"] == "tok_declined":
            return self.answer(handler, 402, {"error": {"message": "Your card was declined."}})
        key = seen.headers["idempotency-key"]
        self.made.setdefault(key, {"id": f"ch_{len(self.made)}", "amount": int(form["amount"]), **form})
        return self.answer(handler, 200, self.made[key])

    def refunds(self, handler) -> None:
        form = parse_qs(self.web.seen[-1].body.decode())
        self.answer(handler, 200, {"id": "re_1", "charge": form["charge"][0], "amount": form.get("amount")})

    def answer(self, handler, status, value) -> None:
        handler.respond(status, json.dumps(value).encode(), Content_Type="application/json")


@pytest.fixture
def api(web):
    return PaymentAPI(web)


@pytest.fixture
def payments(host, web):
    return host("payments", web.url("/v1"), PAYMENTS_URL=web.url("/v1"), PAYMENTS_KEY="sk_test",
                PAYMENTS_WEBHOOK_SECRET=SECRET)  # fmt: skip


def test_the_api_is_asked_as_it_wants_to_be(payments, api, web) -> None:
    charge = {
        "amount": 1999,
        "currency": "eur",
        "source": "tok_visa",
        "description": "Tea & cake",
        "idempotency_key": "o1",
    }
    first = payments.data("payments.charge", charge)
    assert first["charge"]["id"] == "ch_0"
    assert first["charge"]["amount"] == "1999"
    # Once for each engine, and again, and the API made one charge.
    assert payments.data("payments.charge", charge) == first
    assert len(api.made) == 1
    seen = web.seen[0]
    assert (seen.method, seen.target) == ("POST", "/v1/charges")
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert seen.headers["idempotency-key"] == "o1"
    assert parse_qs(seen.body.decode()) == {
        "amount": ["1999"], "currency": ["eur"], "source": ["tok_visa"], "description": ["Tea & cake"],
    }  # fmt: skip
    refund = payments.data("payments.refund", {"charge": "ch_0", "amount": 500})
    assert refund["refund"] == {"id": "re_1", "charge": "ch_0", "amount": ["500"]}
    listed = payments.data("payments.list", {"limit": 2, "after": "ch_9"})
    assert (listed["charges"], listed["more"]) == ([first["charge"]], True)
    assert web.seen[-1].target == "/v1/charges?limit=2&starting_after=ch_9"
    declined = payments.error("payments.charge", {**charge, "source": "tok_declined"})
    assert declined == "the payment API answered 402: Your card was declined."
    for amount in (0, -1):
        assert payments.call("payments.charge", {**charge, "amount": amount}).success is False
    for amount in (1.5, "a lot"):
        with pytest.raises(InputError):
            payments.call("payments.charge", {**charge, "amount": amount})


def test_a_failing_server_is_asked_again_under_the_same_key(host, api, web) -> None:
    payments = host("payments", web.url("/v1"), backends=("wasmtime",), PAYMENTS_URL=web.url("/v1"),
                    PAYMENTS_KEY="sk_test")  # fmt: skip
    charge = {"amount": 5, "currency": "eur", "source": "tok_visa"}
    api.failures = 2
    payments.data("payments.charge", charge)
    keys = {seen.headers["idempotency-key"] for seen in web.seen}
    assert len(web.seen) == 3
    assert len(keys) == len(api.made) == 1
    assert len(keys.pop()) == 32
    api.failures = 3
    assert payments.error("payments.charge", charge) == "the payment API answered 503"


def test_without_a_key_or_permission_nothing_is_sent(host, api, web) -> None:
    payments = host("payments", web.url("/v2"), backends=("wasmtime",), PAYMENTS_URL=web.url("/v1"), PAYMENTS_KEY="x")
    assert "does not have permission to access network" in payments.error("payments.list", {})
    assert not web.seen


def signed(payload: str, time: int, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), f"{time}.{payload}".encode(), hashlib.sha256).hexdigest()


def test_webhooks(payments) -> None:
    payload = json.dumps({"type": "charge.refunded", "data": {"id": "ch_ö"}}, ensure_ascii=False)
    good = signed(payload, NOW)

    def check(signature: str, body: str = payload):
        return payments.call("payments.webhook", {"payload": body, "signature": signature})

    assert check(f"t={NOW},v1={good}").data == {"event": json.loads(payload)}
    rotated = f"t={NOW},v1={signed(payload, NOW, 'old')},v1={good}"
    assert check(rotated).success
    assert check(f"t={NOW - 300},v1={signed(payload, NOW - 300)}").success
    late = check(f"t={NOW - 301},v1={signed(payload, NOW - 301)}")
    assert late.error == "the webhook is too old, or from the future"
    assert check(f"t={NOW + 301},v1={signed(payload, NOW + 301)}").error == late.error
    wrong = "the signature does not fit the payload"
    assert check(f"t={NOW},v1={good}", payload + " ").error == wrong
    assert check(f"t={NOW - 1},v1={good}").error == wrong
    assert check(f"t={NOW},v1={good[:-1]}").error == wrong
    assert check(f"t={NOW},v1={signed(payload, NOW, 'other')}").error == wrong
    for malformed in ("", "t=1", f"v1={good}", f"t=x,v1={good}"):
        assert check(malformed).error == "the signature is not of the form t=...,v1=..."
