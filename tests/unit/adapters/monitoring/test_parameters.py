"""What may come after the question mark."""

import pytest
from pydantic import ValidationError

from app.adapters.monitoring.parameters import ConnzQuery, PageQuery, SubszQuery, is_on
from app.ports.broker_view import ConnectionQuery, ConnectionState, SortKey

LARGEST = 2**63 - 1


def asked(**texts: str) -> ConnzQuery:
    """A question as it comes: all texts."""
    return ConnzQuery.model_validate(texts)


def test_defaults() -> None:
    """Without parameters the answer is the first page, by age, without subscriptions."""
    assert ConnectionQuery(SortKey.CID, 0, 1024, subscriptions=False) == asked().query()
    assert ConnectionQuery() == asked(sort="", limit="", offset="", subs="", auth="").query()


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("1", 1),
        ("+5", 5),
        ("007", 7),
        ("0", 1024),
        ("-1", 1024),
        (str(LARGEST), LARGEST),
        (str(-LARGEST), 1024),
    ],
)
def test_limits(text: str, limit: int) -> None:
    """A limit of 0 or less means the default."""
    assert limit == asked(limit=text).query().limit
    assert limit == SubszQuery.model_validate({"limit": text}).most


@pytest.mark.parametrize(
    ("text", "offset"), [("3", 3), ("0", 0), ("-5", 0), (str(LARGEST), LARGEST), (str(-LARGEST), 0)]
)
def test_offsets(text: str, offset: int) -> None:
    """An offset of less than 0 means 0."""
    assert offset == asked(offset=text).query().offset


@pytest.mark.parametrize(
    "text",
    ["abc", "1.5", "1e3", "0x10", "1_000", " 1", "1 ", "\u0661", "--1", "9" * 5000, str(LARGEST + 1), "null"],
)
@pytest.mark.parametrize("name", ["limit", "offset"])
def test_no_numbers(name: str, text: str) -> None:
    """What is no number of 64 bits is refused."""
    with pytest.raises(ValidationError):
        asked(**{name: text})


@pytest.mark.parametrize("key", list(SortKey))
def test_sort_keys(key: SortKey) -> None:
    """Each key is written as it is called, and in no other case."""
    assert key is asked(sort=key.value, state="closed").query().sort
    with pytest.raises(ValidationError):
        asked(sort=key.value.upper(), state="closed")


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("1", True),
        ("+1", True),
        ("true", True),
        ("T", True),
        ("0", False),
        ("2", False),
        ("-1", False),
        ("false", False),
        ("", False),
    ],
)
def test_switches(text: str, on: bool) -> None:  # noqa: FBT001 - a verdict
    """One and the words for yes switch on; other numbers are understood as no."""
    assert on == is_on(text)
    assert on == asked(subs=text).query().subscriptions


@pytest.mark.parametrize("text", ["maybe", "yes", "tRUE", "1\n", "1 ", "detail"])
def test_no_switches(text: str) -> None:
    """Any other word is refused."""
    with pytest.raises(ValidationError):
        asked(auth=text)


def test_details() -> None:
    """``subs=detail`` asks for subscriptions and for more than their subjects."""
    question = asked(subs="detail")

    assert (True, True) == (question.detail, question.query().subscriptions)
    assert not asked(subs="1").detail


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("", ConnectionState.OPEN),
        ("open", ConnectionState.OPEN),
        ("CLOSED", ConnectionState.CLOSED),
        ("all", ConnectionState.ALL),
        ("Any", ConnectionState.ALL),
    ],
)
def test_states(text: str, state: ConnectionState) -> None:
    """A state is written in any case, and all has two names."""
    assert state is asked(state=text).query().state


@pytest.mark.parametrize("text", ["0", "2", "shut", "open "])
def test_no_states(text: str) -> None:
    """Any other text is refused; current servers take no numbers here either."""
    with pytest.raises(ValidationError):
        asked(state=text)


@pytest.mark.parametrize("state", ["", "open", "all"])
@pytest.mark.parametrize("key", ["stop", "reason"])
def test_keys_of_closed_clients(key: str, state: str) -> None:
    """What only closed clients have sorts them alone."""
    with pytest.raises(ValidationError, match=f"sort by {key} only valid on closed connections"):
        asked(sort=key, state=state)


def test_filters() -> None:
    """A user, an account and a number may be asked for; a number is a page of one."""
    query = asked(user="ann", acc="$G", cid="7", limit="20", offset="3").query()

    assert ("ann", "$G", 7, 1, 0) == (query.user, query.account, query.cid, query.limit, query.offset)


@pytest.mark.parametrize("callback", ["", "cb", "jQuery17_1.$.a[0]"])
def test_callbacks(callback: str) -> None:
    """Names, members and places may be called."""
    assert callback == PageQuery.model_validate({"callback": callback}).callback


@pytest.mark.parametrize("callback", ["<script>", "a b", "a\r\nb", "a\n", "a;b", "a(b)", "é", "a\0"])
def test_no_callbacks(callback: str) -> None:
    """A callback that is no name of a function is refused."""
    with pytest.raises(ValidationError):
        PageQuery.model_validate({"callback": callback})
