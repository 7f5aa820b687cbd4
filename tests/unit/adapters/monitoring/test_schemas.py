"""The schemas of the answers."""

import pytest
from pydantic import ValidationError

from app.adapters.monitoring.schemas import ClusterSection, DataStats, HealthAnswer


@pytest.mark.parametrize(("seconds", "text"), [(1.0, "1"), (0.5, "0.5")])
def test_whole_numbers_have_no_fraction(seconds: float, text: str) -> None:
    """A number is written as Go writes it: without a fraction when it has none."""
    cluster = ClusterSection(addr="::", cluster_port=6222, auth_timeout=seconds, tls_required=False)

    assert f'"auth_timeout":{text},' in cluster.model_dump_json()


def test_no_field_by_mistake() -> None:
    """An answer has the fields of its schema and no other."""
    with pytest.raises(ValidationError, match="msg"):
        DataStats.model_validate({"msgs": 1, "bytes": 2, "msg": 3})


def test_answers_are_frozen() -> None:
    """An answer is not changed once it is made, so it can be shared."""
    answer = HealthAnswer(status="ok")

    with pytest.raises(ValidationError, match="frozen"):
        answer.status = "error"
