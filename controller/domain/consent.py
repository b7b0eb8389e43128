"""The consent dialogue: what the other party is told, what they may answer, and what that means.

Told first, asked in the language of the call, free to refuse (GDPR art. 13 and 21; CNIL, "L'écoute et
l'enregistrement des appels"). An announcement that was not heard whole is no announcement. Says what to play next;
playing it is the business of a door (FastAGI or Stasis).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from controller.domain.decision import Fact, Reason
from controller.domain.policy import Consent, ConsentMode, Policy, Prompt

TOLERANCE_MS = 40
"""Two frames: what Asterisk may count short of a prompt that was heard to its end."""

MOST_PROMPTS = 7
"""Who asks for the information again and again is not kept longer than this."""

LATE_KEY_MS = 500
"""How long to wait after a prompt for a key that was on its way when it ended: a key counts when it is let go."""

PATIENCE_MS = 5000
"""How long an opt-in choice waits for a key after the prompt."""


class Step(StrEnum):
    """The parts of the dialogue."""

    ANNOUNCEMENT = "announcement"
    INFORMATION = "information"
    CHOICE = "choice"


class Outcome(StrEnum):
    """How the playing of a prompt ended."""

    PLAYED = "played"
    KEY_PRESSED = "key-pressed"
    HUNG_UP = "hung-up"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of playing one prompt. ``milliseconds`` is how much of it was really played."""

    prompt: Prompt
    outcome: Outcome
    milliseconds: int
    key: str | None = None

    @property
    def whole(self) -> bool:
        """Whether it was heard to its end."""
        enough = self.milliseconds >= self.prompt.milliseconds - TOLERANCE_MS
        return enough and self.outcome in {Outcome.PLAYED, Outcome.KEY_PRESSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """Where a dialogue stands: ``step`` is what is being played, ``answer`` what came of it (one of them is None)."""

    consent: Consent
    step: Step | None
    answer: Reason | None = None
    heard: tuple[tuple[Step, Heard], ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the other party may be recorded, as far as they are concerned."""
        return self.answer in _ALLOWING

    @property
    def refused(self) -> bool:
        """Whether the other party has objected, now or before. Who was not told whole, or did not agree, has not."""
        return self.answer in _REFUSED


_REFUSED = frozenset({Reason.OPTED_OUT, Reason.OBJECTION_ON_FILE})
_ALLOWING = frozenset({Reason.ANNOUNCED, Reason.AGREED, Reason.NOT_ASKED})


def begin(consent: Consent) -> Dialogue:
    """A dialogue that has not said anything yet."""
    if consent.announcement is None:
        return Dialogue(consent=consent, step=None, answer=Reason.NOT_ASKED)
    return Dialogue(consent=consent, step=Step.ANNOUNCEMENT)


def prompt_of(dialogue: Dialogue, policy: Policy, language: str) -> Prompt | None:
    """What to play now; None when the dialogue is over."""
    names = {
        None: None,
        Step.ANNOUNCEMENT: dialogue.consent.announcement,
        Step.INFORMATION: dialogue.consent.information,
        Step.CHOICE: dialogue.consent.choice,
    }
    name = names[dialogue.step]
    return policy.prompt(name, language) if name else None


def keys_of(dialogue: Dialogue) -> str:
    """The keys that mean something now, and cut the prompt short."""
    consent = dialogue.consent
    if consent.mode is ConsentMode.NONE:
        return ""
    agree = consent.agree_key if dialogue.step is Step.CHOICE else None
    return "".join(filter(None, (consent.object_key, consent.information_key, agree)))


def patience_of(dialogue: Dialogue) -> int:
    """How many milliseconds to wait for a key after the prompt: where silence is no, there is time to answer."""
    if not keys_of(dialogue):
        return 0
    asking = dialogue.consent.mode is ConsentMode.OPT_IN and dialogue.step is Step.CHOICE
    return PATIENCE_MS if asking else LATE_KEY_MS


def hear(dialogue: Dialogue, heard: Heard) -> Dialogue:
    """The dialogue after one more prompt."""
    if dialogue.step is None:
        return dialogue
    after = replace(dialogue, heard=(*dialogue.heard, (dialogue.step, heard)))
    step, answer = _next(after, dialogue.step, heard)
    if step is not None and len(after.heard) >= MOST_PROMPTS:
        step, answer = None, Reason.ANNOUNCEMENT_INCOMPLETE
    return replace(after, step=step, answer=answer)


def objected(dialogue: Dialogue, reason: Reason = Reason.OPTED_OUT) -> Dialogue:
    """The other party objects after the dialogue was over, or has done so before it (GDPR art. 21)."""
    return replace(dialogue, step=None, answer=reason)


def ends_call(dialogue: Dialogue, reason: Reason) -> bool:
    """Whether this conclusion ends the call: a refusal, where the service is not given without a recording."""
    return dialogue.consent.mode is ConsentMode.REFUSAL_ENDS_CALL and reason in _REFUSED


def facts_of(dialogue: Dialogue, language: str) -> Mapping[str, Fact]:
    """What was heard, prompt by prompt in the order of playing, as facts for the decision.

    ``language`` is the call's: a prompt that was played in another says so.
    """
    facts: dict[str, Fact] = {"mode": dialogue.consent.mode.value}
    for number, (step, heard) in enumerate(dialogue.heard, start=1):
        facts |= {f"{number}.{name}": fact for name, fact in facts_of_prompt(heard, language).items()}
        facts |= {f"{number}.step": step.value, f"{number}.outcome": heard.outcome.value, f"{number}.key": heard.key}
    return facts


def facts_of_prompt(heard: Heard, language: str) -> Mapping[str, Fact]:
    """Which prompt it was, and how much of it was heard."""
    facts: dict[str, Fact] = {
        "prompt": heard.prompt.name,
        "digest": heard.prompt.digest,
        "language": heard.prompt.language,
        "played_ms": heard.milliseconds,
        "length_ms": heard.prompt.milliseconds,
    }
    if heard.prompt.language not in {language, language.partition("_")[0]}:
        facts["instead_of_language"] = language
    return facts


def _next(dialogue: Dialogue, step: Step, heard: Heard) -> tuple[Step | None, Reason | None]:
    consent = dialogue.consent
    if consent.mode is ConsentMode.NONE:
        return None, Reason.ANNOUNCED if heard.whole else Reason.NOT_ASKED
    if heard.outcome is Outcome.KEY_PRESSED:
        return _answered(consent, heard.key)
    if not heard.whole:
        return None, Reason.ANNOUNCEMENT_INCOMPLETE
    return _silent(consent, step)


def _answered(consent: Consent, key: str | None) -> tuple[Step | None, Reason | None]:
    if key == consent.object_key:
        return None, Reason.OPTED_OUT
    if key == consent.information_key:
        return Step.INFORMATION, None
    if key == consent.agree_key:
        return None, Reason.AGREED
    return None, Reason.ANNOUNCEMENT_INCOMPLETE


def _silent(consent: Consent, step: Step) -> tuple[Step | None, Reason | None]:
    opt_in = consent.mode is ConsentMode.OPT_IN
    if step is Step.CHOICE:
        return None, Reason.NOT_AGREED if opt_in else Reason.ANNOUNCED
    if step is Step.INFORMATION or opt_in:
        return Step.CHOICE, None
    return None, Reason.ANNOUNCED
