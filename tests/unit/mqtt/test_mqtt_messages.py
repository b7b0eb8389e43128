"""What is said of calls, and of the daemon."""

from dataclasses import replace
from math import inf

import msgspec
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from controller.domain.decision import Reason
from controller.domain.names import ChannelId
from controller.domain.parties import Party, Role
from controller.domain.suspension import Suspension
from controller.mqtt import messages
from controller.runtime import requests
from controller.runtime.clock import now
from controller.runtime.requests import CallState, Request, Verb
from tests.unit.mqtt.office import Office


async def test_of_an_excluded_call_that_must_be_recorded_there_is_the_state_alone() -> None:
    office = Office()
    call = await office.recorded()
    requests.tell(office.dispatcher, call.id, Request(verb=Verb.PAUSE, actor="agent:201", origin="agent"))
    await office.until(lambda: office.state(call) is CallState.PAUSED)
    known = office.dispatcher.call(call.id)
    assert known is not None
    said = messages.live_call(known, "one")
    assert (said.state, said.pauses, len(said.recordings)) == (CallState.PAUSED, (Reason.PAYMENT,), 1)
    said = messages.live_call(replace(known, excluded=Reason.PRIVATE_CALL), "one")
    assert (said.state, said.pauses, said.recordings) == (CallState.PAUSED, (), ())


async def test_a_pause_for_one_reason_on_two_accounts_is_said_once() -> None:
    pauses = [Suspension(cause=Reason.PAYMENT, origin=origin, actor=origin) for origin in ("a", "b")]
    call = replace(await Office().talk(), suspensions=tuple(pauses))
    assert messages.live_call(call, "one").pauses == (Reason.PAYMENT,)


@pytest.mark.parametrize("role", Role)
async def test_only_those_whose_calls_are_the_companys_business_have_a_state(role: Role) -> None:
    call = replace(await Office().talk(), parties=(Party(channel=ChannelId("a"), line="PJSIP/201", role=role),))
    assert messages.agents_of(call) == ({"201"} if role in {Role.AGENT, Role.UNINFORMED} else frozenset())
    assert messages.agents_of(replace(call, excluded=Reason.EXCLUDED)) == frozenset()
    assert messages.agents_of(replace(call, ended_at=now())) == frozenset()


def test_the_metrics_are_ours_without_what_is_for_prometheus_alone() -> None:
    registry = CollectorRegistry()
    Counter("rc_calls", "Calls.", ["pbx"], registry=registry).labels("lab").inc(2)
    Histogram("rc_pause_seconds", "Pauses.", registry=registry).observe(0.5)
    Counter("python_things", "Not ours.", registry=registry).inc()
    Gauge("rc_age_seconds", "Of what has never come.", registry=registry).set(inf)
    at = now()
    found = {(s.name, *s.labels.values()): s.value for s in messages.vitals(registry, at).samples}
    assert found == {("rc_calls_total", "lab"): 2.0, ("rc_pause_seconds_count",): 1.0, ("rc_pause_seconds_sum",): 0.5}
    assert msgspec.json.decode(messages.written(messages.vitals(registry, at)), type=messages.Vitals).at == at
