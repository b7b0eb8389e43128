"""What a faultless file becomes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import date
from hashlib import sha256
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from controller.config import Mqtt, OpenIdConnect, Webhook
from controller.config.period import parse_period, within, written
from controller.config.settings import Publishing
from controller.domain.decision import Kind
from controller.domain.policy import (
    Basis,
    Channels,
    Consent,
    ConsentMode,
    Direction,
    Keys,
    Period,
    Prompt,
    Purpose,
    Route,
    Sampling,
    Start,
    StratumPart,
)

if TYPE_CHECKING:
    from tests.unit.config.conftest import Place

Changed = Callable[[Mapping[str, str]], str]


def test_purpose_is_built_with_every_default_of_the_law(place: Place) -> None:
    assert dict(place.load().policy.purposes) == {
        "quality": Purpose(
            name="quality",
            basis=Basis.LEGITIMATE_INTEREST,
            start=Start.ON_ANSWER,
            sampling=Sampling(rate=0.25, block=20, minimum=0.20, maximum=0.30),
            consent=Consent(
                mode=ConsentMode.OPT_OUT,
                announcement="told",
                information="information",
                choice="choice",
                object_key="1",
                information_key="*",
            ),
            retention=Period(months=6),
            listeners=("quality-managers",),
            assessed=date(2026, 1, 31),
            consulted=date(2026, 2, 28),
        )
    }


def test_purpose_is_recorded_in_stereo_where_it_says_so(place: Place, changed: Changed) -> None:
    text = changed({"retention: 6 months": "retention: 6 months\n    channels: stereo"})
    assert place.load(text).policy.purposes["quality"].channels is Channels.STEREO


def test_purpose_asks_for_a_reason_where_it_says_so(place: Place, changed: Changed) -> None:
    text = changed({"retention: 6 months": "retention: 6 months\n    reason_required: true"})
    assert place.load(text).policy.purposes["quality"].reason_required


def test_lower_rate_lowers_the_minimum_that_is_not_given(place: Place, changed: Changed) -> None:
    sampling = place.load(changed({"rate: 0.25": "rate: 0.1, strata: [agent]"})).policy.purposes["quality"].sampling
    assert sampling == Sampling(rate=0.1, block=20, minimum=0.1, maximum=0.30, strata=(StratumPart.AGENT,))


def test_legal_obligation_records_every_call_and_asks_nobody(place: Place, changed: Changed) -> None:
    text = changed(
        {
            "basis: legitimate-interest": "basis: legal-obligation",
            "sampling: {rate: 0.25}": "sampling: all",
            "mode: opt-out": "mode: none",
            "      information: information\n      choice: choice\n": "",
            '      keys: {object: "1", information: "*"}\n': "",
            "retention: 6 months": "retention: 7 years",
        }
    )
    purpose = place.load(text).policy.purposes["quality"]
    assert purpose.sampling is None
    assert purpose.consent == Consent(mode=ConsentMode.NONE, announcement="told")


def test_legal_obligation_may_be_sampled_above_the_limit(place: Place, changed: Changed) -> None:
    text = changed({"basis: legitimate-interest": "basis: legal-obligation", "rate: 0.25": "rate: 0.5"})
    assert place.load(text).policy.purposes["quality"].sampling == Sampling(rate=0.5, minimum=0.20, maximum=0.5)


def test_opt_in_has_its_own_keys(place: Place, changed: Changed) -> None:
    text = changed(
        {
            "basis: legitimate-interest": "basis: consent",
            "mode: opt-out": "mode: opt-in",
            '{object: "1", information: "*"}': '{agree: "1", object: "2", information: "*"}',
        }
    )
    consent = place.load(text).policy.purposes["quality"].consent
    assert (consent.agree_key, consent.object_key, consent.information_key) == ("1", "2", "*")


def test_refusal_that_ends_the_call_has_its_key(place: Place, changed: Changed) -> None:
    text = changed(
        {"basis: legitimate-interest": "basis: legal-obligation", "mode: opt-out": "mode: refusal-ends-call"}
    )
    settings = place.load(text)
    consent = settings.policy.purposes["quality"].consent
    assert (consent.mode, consent.object_key) == (ConsentMode.REFUSAL_ENDS_CALL, "1")
    assert settings.warnings == ()


def test_notice_and_analyses_are_built(place: Place, changed: Changed) -> None:
    changes = {
        "basis: legitimate-interest": "basis: contract",
        "on-answer": "on-trigger",
        "sampling: {rate: 0.25}": "sampling: all",
        "retention: 6 months": "retention: 6 months\n    notice: told\n    analyses: 1 year",
    }
    purpose = place.load(changed(changes)).policy.purposes["quality"]
    assert (purpose.notice, purpose.analyses) == ("told", Period(years=1))


BROKERS = {
    "mqtt://127.0.0.1": Mqtt(host="127.0.0.1", port=1883, tls=False, username=None, topic="recording-controller"),
    "mqtts://broker.example": Mqtt(
        host="broker.example", port=8883, tls=True, username=None, topic="recording-controller"
    ),
    "mqtt://[::1]:1884/": Mqtt(host="::1", port=1884, tls=False, username=None, topic="recording-controller"),
}


@pytest.mark.parametrize("url", BROKERS)
def test_broker_is_built(url: str, place: Place, changed: Changed) -> None:
    assert place.load(changed({"routes:": f'mqtt: {{url: "{url}"}}\nroutes:'})).mqtt == BROKERS[url]


def test_broker_may_have_a_user_and_a_topic_of_its_own(place: Place, changed: Changed) -> None:
    text = changed({"routes:": 'mqtt: {url: "mqtt://localhost", username: rc, topic: site-1/rc}\nroutes:'})
    mqtt = place.load(text).mqtt
    assert mqtt is not None
    assert (mqtt.username, mqtt.topic) == ("rc", "site-1/rc")


def test_what_a_broker_is_told_can_be_chosen(place: Place, changed: Changed) -> None:
    chosen = "{decisions: [pause, stop], purposes: [quality], state: false, agents: true, metrics_every: 1 minute}"
    broker = f'mqtt: {{url: "mqtt://localhost", name: one, purposes: [quality], publish: {chosen}}}'
    text = changed({"routes:": f"{broker}\nroutes:"})
    mqtt = place.load(text).mqtt
    assert mqtt is not None
    assert mqtt.purposes == {"quality"}
    assert (mqtt.name, mqtt.publish) == (
        "one",
        Publishing(
            decisions=frozenset({Kind.PAUSE, Kind.STOP}),
            purposes=frozenset({"quality"}),
            state=False,
            agents=True,
            metrics_every_s=60.0,
        ),
    )
    silent = place.load(text.replace("metrics_every: 1 minute", "metrics: false")).mqtt
    assert silent is not None
    assert silent.publish.metrics_every_s is None


def test_a_broker_is_told_no_decision_unless_asked(place: Place, changed: Changed) -> None:
    mqtt = place.load(changed({"routes:": 'mqtt: {url: "mqtt://localhost"}\nroutes:'})).mqtt
    assert mqtt is not None
    assert mqtt.publish.decisions == frozenset()


def test_a_kind_that_is_about_no_purpose_is_warned_of_beside_purposes(place: Place, changed: Changed) -> None:
    publish = "publish: {decisions: [pause, config], purposes: [quality]}"
    webhook = '{name: file, url: "https://crm.example", secret: webhook-a, kinds: [consent], purposes: [quality]}'
    broker = f'mqtt: {{url: "mqtt://localhost", {publish}}}'
    text = changed({"routes:": f"{broker}\nwebhooks: [{webhook}]\nroutes:"})
    place.environ["RECORDING_CONTROLLER_WEBHOOK_A"] = "x"
    why = "is not sent where purposes are given: such a decision is mostly about none"
    assert [str(fault).partition(": ")[2] for fault in place.load(text).warnings] == [
        f"mqtt.publish.decisions[1]: config {why}",
        f"webhooks[0].kinds[0]: consent {why}",
    ]


def test_pages_are_embedded_by_nobody_unless_the_file_names_them(place: Place, changed: Changed) -> None:
    assert place.load().embedded_by == ()
    origins = ("https://crm.example", "https://crm.example:8443", "http://127.0.0.1:9000")
    text = changed({"routes:": f"http: {{embedded_by: {json.dumps(origins)}}}\nroutes:"})
    assert place.load(text).embedded_by == origins


def test_webhooks_are_built_and_their_secrets_are_known(place: Place, changed: Changed) -> None:
    all_of_it = (
        '{name: billing, url: "http://[::1]:9000/x?y=1", secret: webhook-shared, kinds: [pause, stop],'
        " purposes: [quality], give_up_after: 1 month}"
    )
    text = changed({"routes:": f'webhooks: [{{name: crm, url: "https://crm.example/hook"}}, {all_of_it}]\nroutes:'})
    variables = ("RECORDING_CONTROLLER_WEBHOOK_CRM", "RECORDING_CONTROLLER_WEBHOOK_SHARED_FILE")
    place.environ.update(dict.fromkeys(variables, "x"))
    settings = place.load(text)
    assert settings.webhooks == (
        Webhook(
            name="crm",
            url="https://crm.example/hook",
            secret="webhook-crm",
            kinds=frozenset(),
            purposes=frozenset(),
            give_up_after=Period(days=3),
        ),
        Webhook(
            name="billing",
            url="http://[::1]:9000/x?y=1",
            secret="webhook-shared",
            kinds=frozenset({Kind.PAUSE, Kind.STOP}),
            purposes=frozenset({"quality"}),
            give_up_after=Period(months=1),
        ),
    )
    assert settings.warnings == ()


def test_a_provider_is_built_and_a_claim_that_may_become_anothers_is_warned_of(place: Place, changed: Changed) -> None:
    all_of_it = (
        '{issuer: "http://127.0.0.1:9/realms/x/", client_id: us, address: "https://us.example/", claim: email,'
        " scopes: [openid, email]}"
    )
    place.environ["RECORDING_CONTROLLER_OPENID_CLIENT_SECRET"] = "x"
    settings = place.load(changed({"routes:": f"http: {{openid_connect: {all_of_it}}}\nroutes:"}))
    assert settings.openid_connect == OpenIdConnect(
        issuer="http://127.0.0.1:9/realms/x/",
        client_id="us",
        address="https://us.example",
        claim="email",
        scopes=("openid", "email"),
    )
    [warning] = settings.warnings
    assert "email may become another person's" in str(warning)
    assert place.load().openid_connect is None


def test_routes_keys_and_patterns_are_built(place: Place, changed: Changed) -> None:
    text = changed(
        {
            "queues: [support]": "queues: [support, sales-*]\n    direction: inbound\n    languages: [fr*]"
            '\n    called: ["0199000020"]\n    calling: ["+33*"]\n    contexts: [from-trunk]',
            "purposes: [quality]": "purposes: [quality]\n    language: en",
            "routes:": 'keys: {pause: "#5", resume: "#6", objection: "#8", private: "#9", start: "#0"}\nroutes:',
        }
    )
    policy = place.load(text).policy
    assert policy.routes == (
        Route(
            name="support",
            purposes=("quality",),
            direction=Direction.INBOUND,
            queues=("support", "sales-*"),
            called=("0199000020",),
            calling=("+33*",),
            contexts=("from-trunk",),
            languages=("fr*",),
            language="en",
        ),
    )
    assert policy.keys == Keys(pause="#5", resume="#6", objection="#8", private="#9", start="#0")
    assert policy.agents == ("PJSIP/2*",)
    assert policy.default_language == "fr"


def test_prompt_has_the_length_and_digest_of_its_file(place: Place, sound_writer: Callable[..., None]) -> None:
    file = place.sounds / "en" / "rc" / "told.wav"
    sound_writer(file, seconds=2.5)
    assert place.load().policy.prompts["told"]["en"] == Prompt(
        name="told",
        language="en",
        sound="rc/told",
        text="Hello",
        milliseconds=2500,
        digest=sha256(file.read_bytes()).hexdigest(),
    )


def test_version_is_the_digest_of_the_file(place: Place) -> None:
    settings = place.load()
    assert settings.policy.version == sha256(place.file.read_bytes()).hexdigest()
    assert settings.text == place.file.read_text()


def test_system_is_built(place: Place) -> None:
    settings = place.load()
    (pbx,) = settings.pbxs
    assert (pbx.name, pbx.sounds) == ("main", place.sounds)
    assert pbx.fastagi_clients == (ip_network("127.0.0.1/32"),)
    assert (pbx.ari.username, pbx.ari.application) == ("recording-controller", "recording-controller")
    assert (settings.fastagi.listen, settings.fastagi.port) == ("127.0.0.1", 4573)
    assert (settings.http.listen, settings.http.port) == ("127.0.0.1", 8080)
    assert (settings.http.tls, settings.http.trusted_proxies) == (None, ())
    assert settings.database.embedded
    assert settings.mqtt is None
    assert settings.country == "FR"
    assert settings.secrets.directory == place.secrets


def test_settings_are_frozen(place: Place) -> None:
    settings = place.load()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.text = ""  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.policy.prompts["told"]["en"] = settings.policy.prompts["told"]["fr"]  # type: ignore[index]


PERIODS = {
    "1 year 6 months": Period(years=1, months=6),
    "90 days": Period(days=90),
    "1 month": Period(months=1),
    "1 year 2 months 3 days": Period(years=1, months=2, days=3),
}


@pytest.mark.parametrize("text", PERIODS)
def test_period_is_read_and_written_alike(text: str) -> None:
    assert parse_period(text) == PERIODS[text]
    assert written(PERIODS[text]) == text


@pytest.mark.parametrize(
    "text", ["", " ", "6", "months", "6 weeks", "0 years", "3 days 1 year", "-1 days", "1.5 years"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a period such as"):
        parse_period(text)


WITHIN = {
    "six months are six months": ("6 months", "6 months", True),
    "six months and a day are more": ("6 months 1 day", "6 months", False),
    "181 days are never more than six months": ("181 days", "6 months", True),
    "182 days may be": ("182 days", "6 months", False),
    "five months and 28 days are less, whatever the month": ("5 months 28 days", "6 months", True),
    "five months and 29 days may be more": ("5 months 29 days", "6 months", False),
    "sixty months are five years": ("60 months", "5 years", True),
    "1825 days are at most five years": ("1825 days", "5 years", True),
    "1826 days may be more": ("1826 days", "5 years", False),
}


@pytest.mark.parametrize("row", WITHIN.values(), ids=WITHIN)
def test_period_within_limit(row: tuple[str, str, bool]) -> None:
    period, limit, expected = row
    assert within(parse_period(period), parse_period(limit)) is expected
