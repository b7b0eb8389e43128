"""What is said of a file in which one thing is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.config.conftest import Place

Changed = Callable[[Mapping[str, str]], str]
ABOVE = (
    "is above the 0.30 limit for anything but a legal obligation: 20 to 30 % is the usual share, and recording must not"
    " be systematic (CNIL, listening and recording at work)"
)
SIX_MONTHS = "must be at most 6 months (CNIL, listening and recording at work: quality and training)"
NO_ORIGIN = "must be an origin such as https://crm.example.com: in small letters, without path and usual port"
NOT_ASKED = "has no use in mode none: the announcement is played, nothing is asked"
SOME_KEYS = 'keys: {object: "1", information: "*"}'
EVIDENCE = {
    "basis: legitimate-interest": "basis: contract",
    "on-answer": "on-trigger",
    "sampling: {rate: 0.25}": "sampling: all",
}
NO_TRIGGER = (
    "must be on-answer: on-trigger is only for evidence of a contract or a legal obligation. Of anything else a sample"
    " is recorded, and a sample of answered calls is drawn at the answer (CNIL, listening and recording at work)"
)
NO_SAMPLE = (
    "must be all with on-trigger: a sample is one of all answered calls, drawn at the answer (practice: 20 to 30 % of"
    " the flow of calls)"
)
NOT_ALL = (
    "all is only for evidence of a contract or a legal obligation: recording must not be systematic (CNIL, listening"
    " and recording at work)"
)


def training(basis: str, sampling: str, name: str = "training") -> dict[str, str]:
    """A second purpose on the route."""
    consent = f"{{mode: opt-out, announcement: told, information: information, choice: choice, {SOME_KEYS}}}"
    purpose = (
        f"  {name}: {{basis: {basis}, starts: on-answer, sampling: {sampling}, consent: {consent}, retention: 6"
        " months, listeners: [trainers], assessed: 2026-01-31, consulted: no-representatives}\n"
    )
    return {"routes:": f"{purpose}routes:", "purposes: [quality]": f"purposes: [quality, {name}]"}


def too_much(total: str) -> list[str]:
    """What is said of two samples that may be more than one together."""
    limit = f"the maxima of quality and training add up to {total}, above the 0.30 limit: each is drawn for itself"
    source = "recording must not be systematic (CNIL, listening and recording at work)"
    return [f"34: routes[0].purposes: {limit}, 20 to 30 % of the calls is the usual share, and {source}"]


SHAPES = {
    "an unknown key is named with the one that was meant": (
        {"rate: 0.25": "rate: 0.25, blok: 20"},
        ["19: purposes.quality.sampling.blok: is not a known key (did you mean block?)"],
    ),
    "an unknown key that resembles nothing is just unknown": (
        {"default_language: fr": "default_language: fr\nxyzzy: 1"},
        ["11: xyzzy: is not a known key"],
    ),
    "a missing key is told on the line of what lacks it": (
        {"basis: legitimate-interest\n    ": ""},
        ["16: purposes.quality.basis: is missing"],
    ),
    "a missing section is told on the first line": (
        {'agents: {channels: ["PJSIP/2*"], notice: "2026-01"}\n': ""},
        ["1: agents: is missing"],
    ),
    "a number where a key of the telephone is expected wants quotes": (
        {'object: "1"': "object: 1"},
        ["25: purposes.quality.consent.keys.object: must be text: write it in quotes"],
    ),
    "no is a word, as in YAML 1.2": (
        {"routes:": "database: {embedded: no}\nroutes:"},
        ["30: database.embedded: must be true or false (YAML 1.2 reads this as a word)"],
    ),
    "a word that is nearly right is recognised": (
        {"basis: legitimate-interest": "basis: legitimate"},
        [
            (
                "17: purposes.quality.basis: must be consent, contract, legal-obligation or legitimate-interest"
                " (did you mean legitimate-interest?)"
            )
        ],
    ),
    "a list where a block belongs": (
        {"data_controller: {name: Exemple SA, contact: dpo@exemple.example}": "data_controller: [Exemple SA]"},
        ["1: data_controller: must be a block of keys"],
    ),
    "a purpose named like another with a number behind it": (
        training("legal-obligation", "all", "quality-2"),
        [
            (
                "34: routes[0].purposes[1]: quality-2 is quality with a number behind it: Asterisk takes one's id for"
                " the other's"
            )
        ],
    ),
    "sampling that is some other word": (
        {"sampling: {rate: 0.25}": "sampling: most"},
        ["19: purposes.quality.sampling: must be all, or a block of keys"],
    ),
    "a rate that is no number": (
        {"rate: 0.25": "rate: .nan"},
        ["19: purposes.quality.sampling.rate: must be a finite number"],
    ),
    "a rate of zero": (
        {"rate: 0.25": "rate: 0"},
        ["19: purposes.quality.sampling.rate: must be above 0.0"],
    ),
    "a retention that is no period": (
        {"retention: 6 months": "retention: half a year"},
        ["26: purposes.quality.retention: must be a period such as 6 months, 1 year or 90 days"],
    ),
    "a recording that is kept for ever": (
        {"    retention: 6 months\n": ""},
        ["16: purposes.quality.retention: is missing"],
    ),
    "a retention of nothing": (
        {"retention: 6 months": "retention: 0 days"},
        ["26: purposes.quality.retention: must be a period such as 6 months, 1 year or 90 days"],
    ),
    "a port beyond the last": (
        {"routes:": "http: {port: 65536}\nroutes:"},
        ["30: http.port: must be at most 65535"],
    ),
    "a state directory that depends on where one stands": (
        {"state_directory: STATE": "state_directory: state"},
        ["3: state_directory: must be an absolute path"],
    ),
    "a FastAGI client that is no address": (
        {"fastagi_clients: [127.0.0.1]": "fastagi_clients: [127.0.0.1, pbx.example]"},
        ["7: pbxs[0].fastagi_clients[1]: must be an IP address or a network such as 192.0.2.0/24"],
    ),
    "FastAGI from anywhere": (
        {"fastagi_clients: [127.0.0.1]": "fastagi_clients: [0.0.0.0/0]"},
        ["7: pbxs[0].fastagi_clients[0]: would let in every address; FastAGI has no password"],
    ),
    "FastAGI from nowhere": (
        {"fastagi_clients: [127.0.0.1]": "fastagi_clients: []"},
        ["7: pbxs[0].fastagi_clients: must have at least one entry"],
    ),
    "a password in the URL of ARI": (
        {"http://127.0.0.1:8088/ari": "http://me:hunter2@127.0.0.1:8088/ari"},
        ["6: pbxs[0].ari.url: must not hold a user or a password: ari.username and the secret ari-password do"],
    ),
    "a URL of ARI that no parser takes": (
        {"http://127.0.0.1:8088/ari": "http://[::1/ari"},
        ["6: pbxs[0].ari.url: must be a URL such as http://127.0.0.1:8088/ari"],
    ),
    "a URL of the database that no parser takes": (
        {"routes:": 'database: {url: "postgresql://[::1/rc"}\nroutes:'},
        ["30: database.url: must be a URL such as postgresql://user@host/database"],
    ),
    "an address to listen on that is none": (
        {"routes:": "http: {listen: a_b}\nroutes:"},
        ["30: http.listen: must be an IP address or a host name"],
    ),
    "a URL of ARI that is none": (
        {"http://127.0.0.1:8088/ari": "127.0.0.1:8088"},
        ["6: pbxs[0].ari.url: must be a URL such as http://127.0.0.1:8088/ari"],
    ),
    "a port of the broker that is none": (
        {"routes:": 'mqtt: {url: "mqtt://127.0.0.1:0"}\nroutes:'},
        ["30: mqtt.url: must be a URL such as mqtt://127.0.0.1:1883"],
    ),
    "a password in the URL of the database": (
        {"routes:": 'database: {url: "postgresql://me:hunter2@db.example/rc"}\nroutes:'},
        ["30: database.url: must not hold a password: put the whole URL into the secret database-url"],
    ),
    "a sound that would leave its folder": (
        {"sound: rc/told": "sound: ../told"},
        [
            (
                "12: announcements.told.sound: must be the name of a sound without its ending, such as"
                " recording-controller/quality"
            )
        ],
    ),
    "a language that Asterisk would not know": (
        {"fr: Bonjour": "French: Bonjour"},
        ["12: announcements.told.text.French: must be a language as Asterisk names it, such as fr or en_GB"],
    ),
    "faults of shape and of rules are told together, in the order of the file": (
        {"rate: 0.25": "rate: 0.5", "agents:": "agent:", "purposes: [quality]": "purposes: [qualty]"},
        [
            "1: agents: is missing",
            "9: agent: is not a known key (did you mean agents?)",
            f"19: purposes.quality.sampling.rate: 0.5 {ABOVE}",
            "33: routes[0].purposes[0]: names no purpose of this file: qualty (did you mean quality?)",
        ],
    ),
    "a route that serves no purpose": (
        {"purposes: [quality]": "purposes: []"},
        ["33: routes[0].purposes: must have at least one entry"],
    ),
    "the screen beside the call": (
        {"retention: 6 months": "retention: 6 months\n    screen: true"},
        ["27: purposes.quality.screen: is not a known key"],
    ),
    "a purpose that is wrong is still known to its routes": (
        {"basis: legitimate-interest": "basis: 1"},
        ["17: purposes.quality.basis: must be consent, contract, legal-obligation or legitimate-interest"],
    ),
}

PURPOSES = {
    "a rate above the limit": (
        {"rate: 0.25": "rate: 0.35"},
        [f"19: purposes.quality.sampling.rate: 0.35 {ABOVE}"],
    ),
    "a maximum above the limit": (
        {"rate: 0.25": "rate: 0.25, maximum: 0.4"},
        [f"19: purposes.quality.sampling.maximum: 0.4 {ABOVE}"],
    ),
    "a block that the rate does not divide": (
        {"rate: 0.25": "rate: 0.25, block: 10"},
        ["19: purposes.quality.sampling.rate: times block (10) must be a whole number of calls, not 2.5"],
    ),
    "a minimum above the rate and a maximum below it": (
        {"rate: 0.25": "rate: 0.25, minimum: 0.28, maximum: 0.2"},
        [
            "19: purposes.quality.sampling.minimum: must be at most the rate, 0.25",
            "19: purposes.quality.sampling.maximum: must be at least the rate, 0.25",
        ],
    ),
    "strata divided twice by the same thing": (
        {"rate: 0.25": "rate: 0.25, strata: [queue, queue]"},
        ["19: purposes.quality.sampling.strata: names the same thing twice"],
    ),
    "quality for every call": (
        {"sampling: {rate: 0.25}": "sampling: all"},
        [f"19: purposes.quality.sampling: {NOT_ALL}"],
    ),
    "quality that somebody triggers": (
        {"on-answer": "on-trigger"},
        [f"18: purposes.quality.starts: {NO_TRIGGER}"],
    ),
    "quality that somebody triggers, for every call and kept like evidence": (
        {
            "on-answer": "on-trigger",
            "sampling: {rate: 0.25}": "sampling: all",
            "retention: 6 months": "retention: 5 years\n    notice: told",
        },
        [
            f"18: purposes.quality.starts: {NO_TRIGGER}",
            f"19: purposes.quality.sampling: {NOT_ALL}",
            f"26: purposes.quality.retention: {SIX_MONTHS}",
        ],
    ),
    "a sample of what somebody triggers": (
        EVIDENCE
        | {
            "sampling: {rate: 0.25}": "sampling: {rate: 0.3}",
            "retention: 6 months": "retention: 5 years\n    notice: told",
        },
        [f"19: purposes.quality.sampling: {NO_SAMPLE}"],
    ),
    "a sample of what a law demands once somebody triggers it": (
        {"basis: legitimate-interest": "basis: legal-obligation", "on-answer": "on-trigger"},
        [f"19: purposes.quality.sampling: {NO_SAMPLE}"],
    ),
    "agreement to a recording of every call that somebody triggers": (
        {
            "basis: legitimate-interest": "basis: consent",
            "on-answer": "on-trigger",
            "sampling: {rate: 0.25}": "sampling: all",
            "mode: opt-out": "mode: opt-in",
            SOME_KEYS: 'keys: {agree: "2", object: "1", information: "*"}',
        },
        [f"18: purposes.quality.starts: {NO_TRIGGER}", f"19: purposes.quality.sampling: {NOT_ALL}"],
    ),
    "quality kept for seven months": (
        {"retention: 6 months": "retention: 7 months"},
        [f"26: purposes.quality.retention: {SIX_MONTHS}"],
    ),
    "quality kept for more days than six months always have": (
        {"retention: 6 months": "retention: 182 days"},
        [f"26: purposes.quality.retention: {SIX_MONTHS}"],
    ),
    "evidence from the answer": (
        {"basis: legitimate-interest": "basis: contract"},
        [
            (
                "18: purposes.quality.starts: must be on-trigger: evidence of a contract is recorded from when the talk"
                " is about concluding it, never from the answer (CNIL, 25 April 2022)"
            )
        ],
    ),
    "evidence kept for six years": (
        EVIDENCE | {"retention: 6 months": "retention: 5 years 1 day\n    notice: told"},
        [("26: purposes.quality.retention: must be at most 5 years (the usual practice for evidence of a contract)")],
    ),
    "documents of analysis kept for longer than a year": (
        {"retention: 6 months": "retention: 6 months\n    analyses: 13 months"},
        [
            (
                "27: purposes.quality.analyses: must be at most 1 year (CNIL, listening and recording at work:"
                " documents of analysis)"
            )
        ],
    ),
    "a notice that nobody hears": (
        {"retention: 6 months": "retention: 6 months\n    notice: told"},
        ["27: purposes.quality.notice: is never heard: it is played when a recording starts on-trigger"],
    ),
    "a notice that does not exist": (
        EVIDENCE | {"retention: 6 months": "retention: 6 months\n    notice: tolt"},
        ["27: purposes.quality.notice: names no announcement of this file: tolt (did you mean told?)"],
    ),
    "evidence of a contract without a notice": (
        EVIDENCE,
        [
            (
                "16: purposes.quality: needs a notice: the customer is told again when the recording begins (CNIL,"
                " 25 April 2022)"
            )
        ],
    ),
    "a refusal that ends the call, without a key": (
        {
            "basis: legitimate-interest": "basis: legal-obligation",
            "mode: opt-out": "mode: refusal-ends-call",
            'object: "1", ': "",
        },
        [
            (
                "25: purposes.quality.consent.keys: needs the key object in mode refusal-ends-call: whoever presses it"
                " is not served by telephone (C. assur. R. 112-7)"
            )
        ],
    ),
    "a choice after a refusal that ends the call, and no information": (
        {
            "basis: legitimate-interest": "basis: legal-obligation",
            "mode: opt-out": "mode: refusal-ends-call",
            "      information: information\n": "",
            ', information: "*"': "",
        },
        ["23: purposes.quality.consent.choice: is never asked: consent.information is missing"],
    ),
    "consent by staying on the line": (
        {"basis: legitimate-interest": "basis: consent", "mode: opt-out": "mode: refusal-ends-call"},
        [
            (
                "21: purposes.quality.consent.mode: must be opt-in where the basis is consent: silence is no consent"
                " (GDPR art. 4(11) and 7)"
            )
        ],
    ),
    "a legal obligation for eight years": (
        {"basis: legitimate-interest": "basis: legal-obligation", "retention: 6 months": "retention: 8 years"},
        [
            (
                "26: purposes.quality.retention: must be at most 7 years (MiFID II art. 16(7): 5 years, 7 where the"
                " authority asks for it)"
            )
        ],
    ),
    "consent by silence": (
        {"basis: legitimate-interest": "basis: consent"},
        [
            (
                "21: purposes.quality.consent.mode: must be opt-in where the basis is consent: silence is no consent"
                " (GDPR art. 4(11) and 7)"
            )
        ],
    ),
    "nobody informed": (
        {"      announcement: told\n": ""},
        ["20: purposes.quality.consent: needs an announcement: whoever is recorded is told (GDPR art. 13)"],
    ),
    "nobody asked without a legal obligation": (
        {
            "mode: opt-out": "mode: none",
            "      information: information\n      choice: choice\n": "",
            f"      {SOME_KEYS}\n": "",
        },
        [
            (
                "21: purposes.quality.consent.mode: none is only for a legal obligation: anyone else may object"
                " (GDPR art. 21)"
            )
        ],
    ),
    "keys where nothing is asked": (
        {"basis: legitimate-interest": "basis: legal-obligation", "mode: opt-out": "mode: none"},
        [
            f"23: purposes.quality.consent.information: {NOT_ASKED}",
            f"24: purposes.quality.consent.choice: {NOT_ASKED}",
            f"25: purposes.quality.consent.keys: {NOT_ASKED}",
        ],
    ),
    "opt-in without a key to agree": (
        {"mode: opt-out": "mode: opt-in"},
        ["25: purposes.quality.consent.keys: needs the key agree in mode opt-in: silence is no consent (GDPR art. 7)"],
    ),
    "opt-in with nothing that asks": (
        {
            "mode: opt-out": "mode: opt-in",
            "      information: information\n      choice: choice\n": "",
            SOME_KEYS: 'keys: {agree: "1", object: "2"}',
        },
        ["20: purposes.quality.consent: needs a choice in mode opt-in: it asks for the key"],
    ),
    "the key that refuses gives the information too": (
        {'information: "*"': 'information: "1"'},
        ["25: purposes.quality.consent.keys.information: must not be the key object too: one key, one meaning"],
    ),
    "the default key that refuses gives the information too": (
        {SOME_KEYS: 'keys: {information: "1"}'},
        ["25: purposes.quality.consent.keys.information: must not be the key object too: one key, one meaning"],
    ),
    "information without a key": (
        {', information: "*"': ""},
        ["25: purposes.quality.consent.keys: needs the key information, which plays the information"],
    ),
    "information without a choice after it": (
        {"      choice: choice\n": ""},
        ["23: purposes.quality.consent.information: needs a choice: it is asked again after the information"],
    ),
    "a key and a choice without information": (
        {"      information: information\n": ""},
        [
            "23: purposes.quality.consent.choice: is never asked: consent.information is missing",
            "24: purposes.quality.consent.keys.information: has nothing to play: consent.information is missing",
        ],
    ),
    "an announcement that does not exist": (
        {"announcement: told": "announcement: tolt"},
        ["22: purposes.quality.consent.announcement: names no announcement of this file: tolt (did you mean told?)"],
    ),
}

REST = {
    "two routes of one name": (
        {"routes:\n": "routes:\n  - {name: support, queues: [sales], purposes: [quality]}\n"},
        ["32: routes[1].name: is the name of routes[0] too"],
    ),
    "a purpose twice on a route": (
        {"purposes: [quality]": "purposes: [quality, quality]"},
        ["33: routes[0].purposes[1]: names quality twice"],
    ),
    "two samples of quality on one route": (
        {"rate: 0.25": "rate: 0.2, maximum: 0.2"}
        | training("legitimate-interest", "{rate: 0.1, maximum: 0.11, block: 10}"),
        too_much("0.31"),
    ),
    "two samples on one route whose maxima are not given": (
        training("legitimate-interest", "{rate: 0.25}"),
        too_much("0.6"),
    ),
    "two consents on one route": (
        {
            "routes:\n": "  orders: {basis: contract, starts: on-trigger, sampling: all, retention: 1 year,"
            " notice: told, listeners: [lawyers], assessed: 2026-01-31, consulted: no-representatives,"
            " consent: {mode: opt-out, announcement: told}}\nroutes:\n",
            "purposes: [quality]": "purposes: [quality, orders]",
        },
        [
            (
                "34: routes[0].purposes[1]: has another consent than quality: a call has one dialogue, which tells of"
                " every purpose of its route (GDPR art. 13(1)(c)), so give them all the same consent, with one"
                " announcement for all"
            )
        ],
    ),
    "a certificate without its key": (
        {"routes:": "http: {tls: {certificate: /c.pem}}\nroutes:"},
        ["30: http.tls.key: is missing"],
    ),
    "everybody as a proxy": (
        {"routes:": "http: {trusted_proxies: [10.0.0.1, '::/0']}\nroutes:"},
        ["30: http.trusted_proxies[1]: would believe everybody in who they say they are"],
    ),
    "two PBXs of one name and one address": (
        {
            "agents:": '  - {name: main, ari: {url: "http://192.0.2.1/ari"}, fastagi_clients: [127.0.0.0/8],'
            " sounds: SOUNDS}\nagents:"
        },
        [
            "9: pbxs[1].name: is the name of pbxs[0] too",
            "9: pbxs[1].fastagi_clients[0]: belongs to pbxs[0] (main) too: the address tells which PBX is asking",
        ],
    ),
    "a PBX whose name would read as the file of a secret": (
        {"name: main": "name: my-file"},
        ["5: pbxs[0].name: must not end in file: that is how variables with secret files end"],
    ),
    "one port for two": (
        {"routes:": "fastagi: {port: 8080}\nroutes:"},
        ["1: http.port: is the port of fastagi too"],
    ),
    "a password in the URL of the broker": (
        {"routes:": 'mqtt: {url: "mqtt://me:hunter2@broker.example"}\nroutes:'},
        ["30: mqtt.url: must not hold a user or a password: mqtt.username and the secret mqtt-password do"],
    ),
    "a broker that is none": (
        {"routes:": 'mqtt: {url: "http://broker.example"}\nroutes:'},
        ["30: mqtt.url: must be a URL such as mqtt://127.0.0.1:1883"],
    ),
    "a topic in the URL of the broker": (
        {"routes:": 'mqtt: {url: "mqtts://broker.example/calls"}\nroutes:'},
        ["30: mqtt.url: must be a URL such as mqtt://127.0.0.1:1883: the topic is mqtt.topic"],
    ),
    "a PBX whose topics would be those of the daemons": (
        {"name: main": "name: daemons", "routes:": 'mqtt: {url: "mqtts://broker.example"}\nroutes:'},
        ["5: pbxs[0].name: must not be daemons: the topics of the daemons begin so (mqtt)"],
    ),
    "a webhook in clear to another machine": (
        {"routes:": 'webhooks: [{name: crm, url: "http://crm.example/hook"}]\nroutes:'},
        ["30: webhooks[0].url: must be https, but for a receiver on this machine"],
    ),
    "a password in the URL of a webhook": (
        {"routes:": 'webhooks: [{name: crm, url: "https://me:hunter2@crm.example"}]\nroutes:'},
        ["30: webhooks[0].url: must not hold a user or a password: what is sent is signed"],
    ),
    "pages that embed ours from no origin, or in clear": (
        {
            "routes:": 'http: {embedded_by: ["https://crm.example/", "https://CRM.example", "https://crm.example:443",'
            ' "http://crm.example", "https://crm.example; script-src *", "https://[::1]", "*", "http://localhost:8000"]}\nroutes:'
        },
        [
            f"30: http.embedded_by[{index}]: {message}"
            for index, message in enumerate(
                (
                    *[NO_ORIGIN] * 3,
                    "must be https, but for pages of this machine: they are handed what lets them in",
                    *["must name a host: a browser allows no other address (CSP, frame-ancestors)"] * 2,
                    "must be a URL such as https://crm.example.com",
                )
            )
        ],
    ),
    "a webhook that leads nowhere": (
        {"routes:": 'webhooks: [{name: crm, url: "https://"}]\nroutes:'},
        ["30: webhooks[0].url: must be a URL such as https://crm.example/recordings"],
    ),
    "webhooks that are alike, of no purpose of ours, or whose secret is no name of one": (
        {
            "routes:": (
                'webhooks:\n  - {name: crm, url: "https://crm.example", purposes: [qualty]}\n'
                '  - {name: crm, url: "https://crm.example", secret: audit-key}\n'
                '  - {name: a-file, url: "https://crm.example", kinds: [pauses]}\nroutes:'
            )
        },
        [
            "31: webhooks[0].purposes[0]: names no purpose of this file: qualty (did you mean quality?)",
            (
                "32: webhooks[1].secret: must be the name of a secret that begins with webhook-, in small letters,"
                " digits and hyphens"
            ),
            (
                "33: webhooks[2].kinds[0]: must be consent, record, pause, resume, stop, discard, retain, erase, hold,"
                " access or config (did you mean pause?)"
            ),
        ],
    ),
    "a provider in clear, at a path, and asked for nobody": (
        {
            "routes:": (
                'http:\n  openid_connect:\n    issuer: http://login.example\n    client_id: ""\n'
                "    address: https://us.example/x\n    claim: two words\nroutes:"
            )
        },
        [
            "32: http.openid_connect.issuer: must be https, but on this machine",
            "33: http.openid_connect.client_id: must be up to 255 letters, digits and signs of ASCII",
            ("34: http.openid_connect.address: must be an address without a path, such as https://recordings.example"),
            "35: http.openid_connect.claim: must be one word of ASCII, without quotes and backslashes",
        ],
    ),
    "scopes without openid": (
        {
            "routes:": (
                'http: {openid_connect: {issuer: "https://login.example", client_id: us, address: "https://us.example",'
                " scopes: [profile]}}\nroutes:"
            )
        },
        [
            (
                "30: http.openid_connect.scopes: must have openid: without it the provider names nobody (OpenID Connect"
                " Core 3.1.2.1)"
            )
        ],
    ),
    "webhooks of one name, and one that ends as a file would": (
        {
            "routes:": (
                'webhooks:\n  - {name: crm, url: "https://crm.example"}\n  - {name: crm, url: "https://crm.example"}\n'
                '  - {name: a-file, url: "https://crm.example"}\nroutes:'
            )
        },
        [
            "32: webhooks[1].name: is the name of webhooks[0] too",
            "33: webhooks[2].name: must not end in file: that is how variables with secret files end",
        ],
    ),
    "a topic that is many": (
        {"routes:": 'mqtt: {url: "mqtts://broker.example", topic: "calls/#"}\nroutes:'},
        [
            (
                "30: mqtt.topic: must be a topic without wildcards, such as recording-controller or"
                " site/recording-controller"
            )
        ],
    ),
    "two databases": (
        {"routes:": 'database: {embedded: true, url: "postgresql://db.example/rc"}\nroutes:'},
        ["30: database.url: and embedded: true exclude each other"],
    ),
    "no database": (
        {"routes:": "database: {embedded: false}\nroutes:"},
        ["30: database: is nowhere: embedded is false, there is no url and no secret database-url"],
    ),
    "an announcement that lacks the default language": (
        {"fr: Bonjour, ": ""},
        ["12: announcements.told.text: has no text in fr, the default language"],
    ),
}

WARNINGS = {
    "a rate below the usual": (
        {"rate: 0.25": "rate: 0.10"},
        ["19: purposes.quality.sampling.rate: 0.1 is below 0.20: lawful, but 20 to 30 % is the usual quality goal"],
    ),
    "two samples of quality on one route that are one together": (
        {"rate: 0.25": "rate: 0.2, maximum: 0.2"}
        | training("legitimate-interest", "{rate: 0.1, maximum: 0.1, block: 10}"),
        ["30: purposes.training.sampling.rate: 0.1 is below 0.20: lawful, but 20 to 30 % is the usual quality goal"],
    ),
    "a sample of quality beside one that a law demands": (training("legal-obligation", "{rate: 0.5}"), []),
    "a purpose named like another with a word behind it": (training("legal-obligation", "all", "quality-b2"), []),
    "a sample of quality beside every call that a law demands": (training("legal-obligation", "all"), []),
    "evidence beside quality, with one consent for both": (
        {
            "    consent:\n": "    consent: &both\n",
            "routes:\n": "  orders: {basis: contract, starts: on-trigger, sampling: all, retention: 1 year,"
            " notice: told, listeners: [lawyers], assessed: 2026-01-31, consulted: no-representatives,"
            " consent: *both}\nroutes:\n",
            "purposes: [quality]": "purposes: [quality, orders]",
        },
        [],
    ),
    "a route behind one that takes everything": (
        {"routes:\n": "routes:\n  - {name: all, purposes: [quality]}\n"},
        ["32: routes[1]: is never reached: routes[0] (all) takes all of its calls"],
    ),
    "a route behind a pattern that takes its queue": (
        {"routes:\n": "routes:\n  - {name: some, queues: [s*], purposes: [quality]}\n"},
        ["32: routes[1]: is never reached: routes[0] (some) takes all of its calls"],
    ),
    "a route behind one that takes every call of its number, context and more": (
        {
            "routes:\n": 'routes:\n  - {name: some, called: ["+331990000*"], contexts: ["*"], purposes: [quality]}\n',
            "queues: [support]": 'queues: [support]\n    called: ["+33199000020"]',
        },
        ["32: routes[1]: is never reached: routes[0] (some) takes all of its calls"],
    ),
    "a route behind one for some numbers called is reached": (
        {"routes:\n": 'routes:\n  - {name: some, called: ["+331990000*"], purposes: [quality]}\n'},
        [],
    ),
    "a route behind one for everybody who shows a number is reached by those who do not": (
        {"routes:\n": 'routes:\n  - {name: some, calling: ["*"], purposes: [quality]}\n'},
        [],
    ),
    "a route behind one of another context is reached": (
        {"routes:\n": "routes:\n  - {name: some, contexts: [from-trunk], purposes: [quality]}\n"},
        [],
    ),
    "a refusal that ends the call without a legal obligation": (
        {"mode: opt-out": "mode: refusal-ends-call"},
        [
            (
                "21: purposes.quality.consent.mode: refusal-ends-call is meant for a legal obligation (C. assur."
                " R. 112-7): objecting costs the call"
            )
        ],
    ),
    "a notice that a route's language lacks": (
        EVIDENCE
        | {
            "retention: 6 months": "retention: 6 months\n    notice: again",
            "purposes: [quality]": "purposes: [quality]\n    language: en",
            "announcements:\n": "announcements:\n  again: {sound: rc/told, text: {fr: Encore}}\n",
        },
        [("36: routes[0].language: announcement again has no text in en: the default language is spoken instead")],
    ),
    "a broker over the network in clear": (
        {"routes:": 'mqtt: {url: "mqtt://192.0.2.1"}\nroutes:'},
        ["30: mqtt.url: goes over the network without encryption: use mqtts"],
    ),
    "a broker on this machine": ({"routes:": 'mqtt: {url: "mqtt://localhost"}\nroutes:'}, []),
    "a broker over the network, encrypted": ({"routes:": 'mqtt: {url: "mqtts://192.0.2.1"}\nroutes:'}, []),
    "a route behind one of the other direction is reached": (
        {"routes:\n": "routes:\n  - {name: out, direction: outbound, purposes: [quality]}\n"},
        [],
    ),
    "a route behind one of other languages is reached": (
        {"routes:\n": "routes:\n  - {name: en, languages: [en*], purposes: [quality]}\n"},
        [],
    ),
    "a route in a language that nobody has spoken": (
        {"purposes: [quality]": "purposes: [quality]\n    language: de_AT"},
        [
            f"34: routes[0].language: announcement {name} has no text in de_AT: the default language is spoken instead"
            for name in ("choice", "information", "told")
        ],
    ),
    "a route in a dialect of a language that somebody has spoken": (
        {"purposes: [quality]": "purposes: [quality]\n    language: en_GB"},
        [],
    ),
    "a purpose that no route serves": (
        {
            "routes:\n": "routes: []\nx:\n",
            "x:\n  - name: support\n    queues: [support]\n    purposes: [quality]\n": "",
        },
        ["16: purposes.quality: is served by no route"],
    ),
    "a legal obligation for as long as the longest": (
        {"basis: legitimate-interest": "basis: legal-obligation", "retention: 6 months": "retention: 7 years"},
        [],
    ),
    "HTTP for everybody": (
        {"routes:": "http: {listen: 192.0.2.1}\nroutes:"},
        ["30: http.listen: is reached from outside without encryption: use http.tls, or a proxy with TLS before it"],
    ),
    "HTTPS for everybody": (
        {"routes:": "http: {listen: 192.0.2.1, tls: {certificate: /c.pem, key: /k.pem}}\nroutes:"},
        [],
    ),
    "HTTP for this machine only, by name": ({"routes:": "http: {listen: localhost}\nroutes:"}, []),
    "nothing to warn of": ({}, []),
}

ROWS = SHAPES | PURPOSES | REST
Row = tuple[Mapping[str, str], list[str]]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_is_refused(row: Row, place: Place, changed: Changed) -> None:
    changes, expected = row
    assert place.faults(changed(changes)) == expected


@pytest.mark.parametrize("row", WARNINGS.values(), ids=WARNINGS)
def test_is_warned_of(row: Row, place: Place, changed: Changed) -> None:
    changes, expected = row
    assert place.warnings(changed(changes)) == expected


def test_no_fault_repeats_a_password(place: Place, changed: Changed) -> None:
    told = [
        *place.faults(changed({"http://127.0.0.1:8088/ari": "http://me:hunter2@127.0.0.1:8088/ari"})),
        *place.faults(changed({"routes:": 'database: {url: "postgresql://a:hunter2@b/c"}\nroutes:'})),
        *place.faults(changed({"routes:": "http: {token: hunter2}\nroutes:"})),
    ]
    assert told
    assert not any("hunter2" in text for text in told)
