"""The intake against its own OpenAPI: whatever schemathesis makes up, no 5xx and no answer that the schema does not know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_intake import Intake, token
from made_records import SAMPLES, chain

EVENTS = chain(SAMPLES)


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Intake]:
    running = Intake(tmp_path_factory.mktemp("intake")).start()
    yield running
    running.kill()


def test_nothing_made_up_from_the_schema_breaks_it(intake: Intake, request: pytest.FixtureRequest) -> None:
    import schemathesis  # two seconds, for this test alone

    count = 60 if request.config.getoption("--full") else 8
    schema = schemathesis.openapi.from_url(f"{intake.url}/openapi.json")
    seen = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == "/v1/stream":
            continue  # never ends; tests/test_intake_http.py reads it
        for bearer in (token(1), intake.hiring):
            check(operation, bearer, count)
        seen += 1
    assert seen > 10
    assert not [line for line in intake.said.splitlines() if '"status": 5' in line]


def check(operation: object, bearer: str, count: int) -> None:
    """So many cases of one operation."""
    import schemathesis

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())  # type: ignore[attr-defined]
    def run(case: object) -> None:
        case.call_and_validate(  # type: ignore[attr-defined]
            headers={"Authorization": f"Bearer {bearer}"},
            checks=[
                schemathesis.checks.not_a_server_error,
                schemathesis.specs.openapi.checks.status_code_conformance,
                schemathesis.specs.openapi.checks.content_type_conformance,
                schemathesis.specs.openapi.checks.response_schema_conformance,
            ],
        )

    run()


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=300), path=st.sampled_from(["/v1/submissions", "/v1/records/rec/events", "/v1/invites/invite-000001"]))
def test_any_bytes_are_refused_without_a_fault_of_ours(intake: Intake, data: bytes, path: str) -> None:
    for bearer in (token(2), intake.hiring):
        answer = intake.ask("POST", path, data, bearer=bearer, headers={"Idempotency-Key": "key-000001"})
        assert 400 <= answer.status < 500


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(field=st.sampled_from(["seq", "t", "op", "kind", "data", "prev", "hash", "more"]), value=json_values)
def test_an_event_with_any_field_changed_is_refused_or_stored_whole(intake: Intake, field: str, value: object) -> None:
    import json

    event = {**EVENTS[0].model_dump(mode="json"), field: value}
    body = json.dumps({"events": [event]}).encode()
    answer = intake.ask("POST", "/v1/records/fuzz/events", body, bearer=token(3))
    assert answer.status in (200, 201, 400, 409, 429)
    if answer.status in (200, 201):
        assert event == EVENTS[0].model_dump(mode="json")


def test_the_schema_names_every_route_and_no_secret(intake: Intake) -> None:
    paths = intake.ask("GET", "/openapi.json").json["paths"]
    assert {"/v1/records/{record}/events", "/v1/submissions", "/v1/receipts/{receipt}", "/v1/stream", "/healthz", "/readyz", "/metrics"} <= set(paths)
    assert Path(intake.folder).name not in str(paths)
