"""The words of an attempt, and where it leads."""

from base64 import urlsafe_b64encode

import pytest

from controller.runtime.openid import HOME, attempt_of, came_back, cookie_of, local, new_secret


@pytest.mark.parametrize(
    "path",
    [
        *("/console", "/console/recordings?purpose=quality&x=%20", "/banner?agent=201", "/banner"),
        *(
            "/console/customers/+33199000017",
            "/console/customers/%2B33199000017",
            "/console/customers/01%2099%2000%2017",
        ),
        *("/console/recordings/rc-01a20af7-a31a-7ee2-aabd-6706d7b37283-quality-1", "/console/me?lang=fr"),
        *("/console/recordings?call=01a20af7-a31a-7ee2-aabd-6706d7b37283", "/console?again=/../%2F%5C//"),
        "/banner?agent=201&parent=https://crm.example",
    ],
)
def test_a_path_of_ours_is_gone_to(path: str) -> None:
    assert local(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *(None, "", "console", "https://evil.example", "//evil.example", "/\\evil.example", "/a\\b"),
        *("/\t/evil.example", "/\n/evil.example", "/ /evil.example", "/é", "javascript:alert(1)", f"/{'x' * 600}"),
        *("/", "/login", "/login/openid", "/console\n", "/consoles", "/bannered", "/api/v1/recordings/rc-1/audio.mp3"),
        *("/console/recordings/rc-1/listen", "/console/recordings/rc-1/listen?reason=forged", "/console@evil.example"),
        *("/console/recordings/rc-1/%6cisten?reason=x", "/console/recordings/rc-1/%256cisten", "/console/%6C%69sten"),
        *("/console/recordings/rc-1%2Flisten", "/console/recordings/rc-1%2flisten", "/console/rc-1/listen/"),
        *("/console/../api/v1/recordings/rc-1/audio.mp3?reason=x", "/console/./a", "/console/..", "/console/a/.."),
        *("/console/%2e%2e/api/v1/recordings/rc-1/audio.mp3", "/console/.%2E/api", "/console/%2E", "/console/..;/api"),
        *("/console//evil.example", "/console/", "/console/a%5Cb", "/console/a%00", "/console/a%0Ab", "/console/%E9"),
        *("/console/a%", "/console/a%2", "/console/a#b", "/console#/../api", "/con%73ole/a%2525"),
    ],
)
def test_anything_else_is_home(path: str | None) -> None:
    assert local(path) == HOME


def test_an_attempt_comes_back_to_who_has_its_secret_and_to_nobody_else() -> None:
    secret, another = new_secret(), new_secret()
    attempt, cookie = attempt_of(secret, "/console/a"), cookie_of(secret, "/console/a")
    assert came_back(cookie, attempt.state) == attempt
    assert came_back(cookie_of(another, "/console/a"), attempt.state) is None
    assert came_back(cookie_of(secret, "/console/b"), attempt.state) is None
    assert came_back(f"{secret}.*", attempt.state) is None
    assert came_back("", attempt_of("", "/console/a").state) is None
    for state in ("", ".", "é", f"{attempt.state}=", attempt.state[1:], attempt_of(secret, "/console/b").state):
        assert came_back(cookie, state) is None


def test_where_somebody_goes_is_no_part_of_what_the_provider_is_told() -> None:
    """It may be the page of a customer's number."""
    attempt = attempt_of(new_secret(), "/console/customers/+33199000017")
    told = f"{attempt.state} {attempt.nonce} {attempt.verifier}"
    assert "199000017" not in told
    assert urlsafe_b64encode(b"+33199000017").decode().rstrip("=")[:8] not in told
    assert len(attempt.state) == 64


def test_an_attempt_leads_to_a_page_of_ours_whatever_the_cookie_says() -> None:
    secret = new_secret()
    assert came_back(cookie_of(secret, "//evil.example"), attempt_of(secret, "//evil.example").state) is None


def test_no_word_of_an_attempt_says_another_one() -> None:
    attempt = attempt_of(new_secret(), "/")
    words = {attempt.state, attempt.nonce, attempt.verifier}
    assert len(words) == 3
    assert all(43 <= len(word) <= 128 for word in words)
