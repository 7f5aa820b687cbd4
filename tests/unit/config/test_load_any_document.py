"""Whatever a file says, it gives options or a list of problems, and nothing else."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.config.document import Block
from app.config.errors import ConfigError
from app.config.flags import CONFIG_FILE
from app.config.help.reference import SECTIONS
from app.config.load import load
from app.config.sections.section import key_of
from tests.support.document import FILE, Pairs, Value, document

KEYS = sorted(
    {
        key
        for _, section, _ in SECTIONS
        for name, field in section.model_fields.items()
        for key in (name, *key_of(field).also, *section.addresses, *section.refused)
    }
)

SCALARS: st.SearchStrategy[Value] = st.one_of(
    st.booleans(),
    st.integers(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["h:1", ":1", "1s", "nats://u:p@h:1", "$2a$", "m:f", "\x00", "\ud800", "9" * 5000]),
    st.just(datetime(2026, 1, 1, tzinfo=UTC)),
)


def _around(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    arrays: st.SearchStrategy[Value] = st.lists(values, max_size=4).map(tuple)
    return arrays | _maps(values)


def _maps(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Pairs]:
    return st.lists(st.tuples(st.sampled_from(KEYS) | st.text(max_size=5), values), max_size=6)


VALUES: st.SearchStrategy[Value] = st.recursive(SCALARS, _around, max_leaves=12)
FLAGS = st.dictionaries(
    st.sampled_from(
        [
            "tls",
            "tls.verify",
            "tls.cert_file",
            "cluster.listen",
            "cluster.routes",
            "authorization.token",
            "port",
        ]
    ),
    st.booleans() | st.integers() | st.sampled_from(["", "nats://h:1", "x", "nats://u@h:1"]),
)


@given(_maps(VALUES), FLAGS)
def test_any_document(pairs: Pairs, flags: dict[str, bool | int | str]) -> None:
    """No document, and no flags above it, make loading fail in another way than by its own error."""
    block: Block = document(*pairs)
    try:
        said = load({**flags, CONFIG_FILE: FILE}, {}, lambda _path, _environment: block).notices
    except ConfigError as error:
        said = error.problems

    assert all(str(problem).isprintable() for problem in said)
