"""Decisions in plain words for those who work with recordings: of the customer in the third person.

A data subject is told the same in the second (``controller.custody.words``). The constants are explained in
docs/glossary.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.domain.decision import Fact, StoredDecision
from controller.web.pages.languages import said, words


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One decision: a sentence, who or what caused it, and what it was taken on.

    ``tone`` is ``good`` where recording was allowed, ``bad`` where it was not, ``warn`` for a pause. ``why`` is what
    somebody said of a legal hold; None where nobody did, or who looks does not see holds.
    """

    at: datetime
    tone: str
    about: str
    sentence: str
    actor: str
    purpose: str | None
    rule: str | None
    policy_version: str
    facts: Sequence[tuple[str, Fact]]
    why: str | None = None


def told(
    language: str, decisions: Sequence[StoredDecision], *, whys: Mapping[tuple[str, str], str] | None = None
) -> list[Told]:
    """Each of them, in their order; ``whys`` as ``controller.custody.trail.why_held`` has them."""
    return [
        Told(
            at=one.at,
            tone=_tone(one),
            about=_said_if_known(language, f"kind-{one.kind}", one.kind.value),
            sentence=_sentence(language, one),
            actor=actor(language, one.actor),
            purpose=one.purpose,
            rule=one.rule,
            policy_version=one.policy_version,
            facts=sorted(one.facts.items()),
            why=(whys or {}).get((str(one.facts.get("hold")), one.reason)),
        )
        for one in decisions
    ]


def reason(language: str, constant: str) -> str:
    """A reason; one of another version of this program stands as it is."""
    return _said_if_known(language, f"reason-{constant}", constant)


def actor(language: str, constant: str) -> str:
    """Who or what caused something: ``agent:201``, ``policy``, ``account:alice``."""
    kind, colon, name = constant.partition(":")
    key = f"decisions.actor-{kind}"
    if key not in words():
        return constant
    return said(language, key, name=name) if colon else said(language, key)


def _sentence(language: str, one: StoredDecision) -> str:
    kind = _said_if_known(language, f"kind-{one.kind}", one.kind.value)
    verdict = _said_if_known(language, f"verdict-{one.verdict}", one.verdict.value)
    about = _said_if_known(language, f"{one.kind}-{one.verdict}", f"{kind} ({verdict})")
    return said(language, "decisions.sentence", about=about, why=reason(language, one.reason))


def _said_if_known(language: str, name: str, otherwise: str) -> str:
    key = f"decisions.{name}"
    return said(language, key) if key in words() else otherwise


def _tone(one: StoredDecision) -> str:
    match one.kind.value, one.verdict.value:
        case ("pause", _) | ("hold", _):
            return "warn"
        case (_, "refused") | ("discard", _) | ("erase", _):
            return "bad"
        case ("record" | "resume" | "consent", _):
            return "good"
        case _:
            return "plain"
