"""The chain of decisions: what is hashed, and that nothing of it can be another."""

import hashlib
import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain import chain
from controller.domain.chain import BEGINNING, Link, chained, digest, said
from controller.domain.decision import Decision, Kind, Reason, Verdict
from controller.domain.names import CallId, Token

DECISION = Decision(
    token=Token("token"),
    at=datetime(2026, 3, 2, 12, 0, 0, 123456, UTC),
    call_id=CallId("01950000-0000-7000-8000-000000000002"),
    pbx="paris",
    linkedid="1772452800.1",
    kind=Kind.PAUSE,
    verdict=Verdict.APPLIED,
    reason=Reason.PAYMENT,
    rule="routes.support",
    purpose="quality",
    policy_version="a" * 64,
    actor="agent:201",
    facts={"é": True, "a": 0.25, "n": None},
)


def test_the_form_is_the_one_that_the_documents_give() -> None:
    text = (
        '["recording-controller/decision/1","daemon-1",8,"' + "07" * 32 + '","token",1772452800123456,'
        '"01950000-0000-7000-8000-000000000002","paris","1772452800.1","pause","applied","payment","routes.support",'
        '"quality","' + "a" * 64 + '","agent:201",{"a":0.25,"n":null,"é":true}]'
    )
    before = Link(position=7, hash=bytes([7]) * 32)
    assert digest("daemon-1", before, said(DECISION)) == hashlib.sha256(text.encode()).digest()


def test_each_link_follows_the_one_before() -> None:
    one, two = chained("w", BEGINNING, [DECISION, replace(DECISION, token=Token("next"))])
    assert (one.link.position, two.link.position) == (1, 2)
    assert chained("w", one.link, [two.decision]) == [two]
    assert chained("w", two.link, []) == []


@pytest.mark.parametrize("name", [field.name for field in fields(Decision)])
def test_whatever_a_decision_says_is_in_its_hash(name: str) -> None:
    others: dict[str, Any] = {
        "at": DECISION.at + timedelta(microseconds=1),
        "kind": Kind.RESUME,
        "verdict": Verdict.ALLOWED,
        "reason": Reason.PAYMENT_OVER,
        "facts": {"a": 0.25},
    }
    other = replace(DECISION, **{name: others.get(name, "other")})
    assert digest("w", BEGINNING, said(other)) != digest("w", BEGINNING, said(DECISION))


def test_who_wrote_it_where_and_after_what_is_in_its_hash() -> None:
    content = said(DECISION)
    before = Link(position=0, hash=bytes([1]) * 32)
    elsewhere = Link(position=1, hash=BEGINNING.hash)
    hashes = {
        digest("w", BEGINNING, content),
        digest("v", BEGINNING, content),
        digest("w", before, content),
        digest("w", elsewhere, content),
    }
    assert len(hashes) == 4


def test_a_moment_is_the_same_wherever_it_is_told() -> None:
    elsewhere = DECISION.at.astimezone(timezone(timedelta(hours=2)))
    assert said(replace(DECISION, at=elsewhere)) == said(DECISION)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_has_the_hash_that_it_has_once_postgresql_has_written_it_out(number: float) -> None:
    stored = json.loads(json.dumps(int(number) if number.is_integer() and abs(number) >= 1e16 else number))
    content = (*said(DECISION)[:-1], {"number": stored})
    assert digest("w", BEGINNING, content) == digest("w", BEGINNING, said(replace(DECISION, facts={"number": number})))


def test_a_checkpoint_names_the_one_before() -> None:
    head = Link(position=3, hash=bytes(32))
    first = chain.checkpoint("w", head, DECISION.at, b"")
    assert json.loads(first) == ["recording-controller/checkpoint/1", "w", 3, "00" * 32, 1772452800123456, None]
    assert json.loads(chain.checkpoint("w", head, DECISION.at, b"sig"))[-1] == hashlib.sha256(b"sig").hexdigest()
