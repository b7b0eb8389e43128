"""What a receiver checks: the example of Standard Webhooks, and two keys while one takes the other's place."""

from base64 import b64decode
from datetime import UTC, datetime

from controller.webhooks.signing import signed

KEY = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
AT = datetime.fromtimestamp(1614265330, tz=UTC)


def test_the_example_of_the_standard_has_the_signature_that_the_standard_gives() -> None:
    headers = signed([KEY], identity="msg_p5jXN8AQM9LWM0D4loKWxJek", at=AT, body=b'{"test": 2432232314}')
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_key_signs() -> None:
    both = signed([KEY, b"x" * 32], identity="1", at=AT, body=b"{}")["webhook-signature"].split(" ")
    alone = [signed([key], identity="1", at=AT, body=b"{}")["webhook-signature"] for key in (KEY, b"x" * 32)]
    assert both == alone
    assert len(set(both)) == 2
