"""Which path gives which answer."""

from dataclasses import replace

import pytest
from fastapi import APIRouter
from pydantic import TypeAdapter

from app.adapters.monitoring.connections import Connz, Routez
from app.adapters.monitoring.leaf_page import Leafz
from app.adapters.monitoring.schemas import Accstatz, Gatewayz, Subsz, Varz
from app.ports.broker_view import Compatibility, ConnectionQuery, Profile, SortKey, SubscriptionStats
from tests.fakes.broker_view import FACTS, Watched, client
from tests.unit.adapters.monitoring.client import ask

pytestmark = pytest.mark.asyncio

JSON_PAGES = [
    "/varz",
    "/connz",
    "/routez",
    "/subsz",
    "/subscriptionsz",
    "/accstatz",
    "/gatewayz",
    "/leafz",
    "/slowz",
]


@pytest.mark.parametrize(
    ("path", "model"),
    [
        *(
            ("/varz", Varz),
            ("/connz", Connz),
            ("/routez", Routez),
            ("/subsz", Subsz),
            ("/subscriptionsz", Subsz),
        ),
        *(("/accstatz?unused=1", Accstatz), ("/gatewayz", Gatewayz), ("/leafz", Leafz)),
    ],
)
async def test_json_pages(watched: Watched, path: str, model: type) -> None:
    """Each page is JSON as its documented model says, field by field in this order."""
    response = await ask(watched, path)

    assert (200, "application/json") == (response.status_code, response.headers["content-type"])
    assert "nosniff" == response.headers["x-content-type-options"]
    assert str(len(response.content)) == response.headers["content-length"]
    assert response.text.startswith("{\n  ")
    assert response.text.endswith("}")
    names = [field.serialization_alias or name for name, field in model.model_fields.items()]  # type: ignore[attr-defined] # a model
    assert [name for name in names if name in response.json()] == list(response.json())
    TypeAdapter(dict[str, object]).validate_json(response.content)


@pytest.mark.parametrize("path", JSON_PAGES)
async def test_jsonp(watched: Watched, path: str) -> None:
    """Each page of JSON is to be had as a call of one's function."""
    response = await ask(watched, f"{path}?callback=a.b[0]")

    assert "application/javascript" == response.headers["content-type"]
    assert response.text.startswith("a.b[0]({\n")
    assert response.text.endswith("})")


@pytest.mark.parametrize("path", JSON_PAGES)
@pytest.mark.parametrize("callback", ["%3Cscript%3E", "a%0D%0Ab", "a;b"])
async def test_no_script_of_others(watched: Watched, path: str, callback: str) -> None:
    """What is no name is not called, and comes back as plain text at most."""
    response = await ask(watched, f"{path}?callback={callback}")

    assert (400, "text/plain; charset=utf-8") == (response.status_code, response.headers["content-type"])
    assert 1 == response.text.count("\n")


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("limit=abc", "Invalid value of limit: abc\n"),
        ("offset=%00%0a", "Invalid value of offset: \\x00\\n\n"),
        ("sort=bogus", "Invalid sorting option: bogus\n"),
        ("sort=CID", "Invalid sorting option: CID\n"),
        ("sort=stop", "sort by stop only valid on closed connections\n"),
        ("sort=reason&state=all", "sort by reason only valid on closed connections\n"),
        ("state=2", "Invalid value of state: 2\n"),
        ("cid=x", "Invalid value of cid: x\n"),
        ("subs=maybe", "Invalid value of subs: maybe\n"),
        ("auth=maybe", "Invalid value of auth: maybe\n"),
        (f"limit={2**63}", f"Invalid value of limit: {2**63}\n"),
        ("limit=" + 5000 * "9", f"Invalid value of limit: {100 * '9'}\n"),
    ],
)
async def test_bad_parameters(watched: Watched, query: str, complaint: str) -> None:
    """One line names what cannot be used, and the request does not count."""
    response = await ask(watched, f"/connz?{query}")

    assert (400, complaint) == (response.status_code, response.text)
    assert "text/plain; charset=utf-8" == response.headers["content-type"]
    assert 0 == watched.context.requests.connz


async def test_parameters_reach_the_broker(watched: Watched) -> None:
    """The page asks the broker for what it was asked for."""
    await ask(watched, "/connz?sort=msgs_to&limit=5&offset=2&subs=1&unknown=x")
    await ask(watched, "/subsz?subs=1&limit=7&offset=3")
    await ask(watched, "/routez?subs=1")

    assert [
        ConnectionQuery(SortKey.MSGS_TO, 2, 5),
        (3, 7),
        False,
    ] == watched.view.asked


@pytest.mark.parametrize(
    ("query", "shown"), [("", False), ("?auth=1", True), ("?auth=true", True), ("?auth=0", False)]
)
async def test_users(watched: Watched, query: str, shown: bool) -> None:  # noqa: FBT001 - a verdict
    """Names of users are shown to those who ask for them."""
    watched.view.clients = [replace(client(1), profile=Profile("", "", "", "derek"))]

    assert shown == ("derek" in (await ask(watched, f"/connz{query}")).text)


async def test_requests_are_counted(watched: Watched) -> None:
    """Good requests count by page, this one included; both names of a page count as one."""
    for path in [
        "/",
        "/connz",
        "/routez",
        "/routez",
        "/subsz",
        "/subscriptionsz",
        "/stacksz",
        "/connz?limit=x",
    ]:
        await ask(watched, path)

    stats = (await ask(watched, "/varz")).json()["http_req_stats"]

    assert {"/": 1, "/connz": 1, "/routez": 2, "/subsz": 2, "/varz": 1} == stats
    assert sorted(stats) == list(stats)


@pytest.mark.parametrize(
    "path", ["/nothing", "/varz/", "/VARZ", "/../../etc/passwd", "/docs/nothing.js", "/docs/", "/%2e%2e/varz"]
)
async def test_unknown_paths(watched: Watched, path: str) -> None:
    """What is no page is not found, and says so in gnatsd's words."""
    response = await ask(watched, path)

    assert (404, "404 page not found\n") == (response.status_code, response.text)
    assert "text/plain; charset=utf-8" == response.headers["content-type"]


async def test_index(watched: Watched) -> None:
    """The first page leads to all others, and to those that were added."""
    router = APIRouter()
    router.add_api_route("/dashboard", lambda: "here")

    response = await ask(watched, "/", routers=[router], links={"/dashboard": "all at a glance"})
    added = await ask(watched, "/dashboard", routers=[router])

    assert (200, "text/html; charset=utf-8") == (response.status_code, response.headers["content-type"])
    for path in (
        *("/varz", "/connz", "/routez", "/subsz", "/accstatz", "/gatewayz", "/leafz", "/slowz", "/jsz"),
        *("/metrics", "/healthz", "/docs", "/dashboard"),
    ):
        assert f"<a href={path}>{path[1:]}</a>" in response.text
    assert "http:" not in response.text
    assert "here" == added.json()


async def test_stacks(watched: Watched) -> None:
    """The page of stacks is text that is sent as JSON, as is the custom."""
    response = await ask(watched, "/stacksz")

    assert (200, "application/json") == (response.status_code, response.headers["content-type"])
    assert "thread MainThread:\n" in response.text


async def test_metrics(watched: Watched) -> None:
    """Metrics are text of the version that Prometheus reads."""
    response = await ask(watched, "/metrics")

    assert "text/plain; version=0.0.4; charset=utf-8" == response.headers["content-type"]
    assert "gnatsd_varz_connections{" in response.text


async def test_documentation(watched: Watched) -> None:
    """The documentation needs nothing from elsewhere, and describes each page with its fields."""
    page = (await ask(watched, "/docs")).text
    assert "http:" not in page
    assert "https:" not in page
    for name, kind in (("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css")):
        assert f"/docs/{name}" in page
        asset = await ask(watched, f"/docs/{name}")
        assert 50_000 < len(asset.content)
        assert asset.headers["content-type"].startswith(kind)

    document = (await ask(watched, "/openapi.json")).json()

    assert {
        *("/varz", "/connz", "/routez", "/subsz", "/accstatz", "/gatewayz", "/leafz", "/slowz", "/jsz"),
        *("/metrics", "/healthz", "/livez", "/readyz", "/explain", "/accountz"),
    } == set(document["paths"])
    assert list(Varz.model_fields) == list(document["components"]["schemas"]["Varz"]["properties"])


async def test_documentation_of_further_pages(watched: Watched) -> None:
    """Servers with other pages have other documents."""
    router = APIRouter()
    router.add_api_route("/more", lambda: "more")
    documents = [
        (await ask(watched, "/openapi.json", routers=routers)).json() for routers in ((), (router,), ())
    ]

    assert {"/more"} == set(documents[1]["paths"]) - set(documents[0]["paths"])
    assert documents[0] == documents[2]


async def test_what_breaks_is_an_error_of_ours(watched: Watched) -> None:
    """A defect is raised to the server, which answers 500 and reports it."""
    watched.view.facts = None  # type: ignore[assignment] # a defect

    with pytest.raises(AttributeError):
        await ask(watched, "/varz")


@pytest.mark.parametrize("path", ["/", "/varz", "/connz", "/healthz", "/docs"])
async def test_head(watched: Watched, path: str) -> None:
    """HEAD is GET without the body."""
    full, head = await ask(watched, path), await ask(watched, path, "HEAD")

    assert (full.status_code, b"") == (head.status_code, head.content)
    assert full.headers["content-type"] == head.headers["content-type"]


async def test_a_subject_to_try(watched: Watched) -> None:
    """What nobody could publish to is refused by /subsz, with the wire of today."""
    assert (await ask(watched, "/subsz?subs=1&test=a..b")).status_code == 200
    info = replace(FACTS.info, compatibility=Compatibility.CURRENT)
    watched.view.facts = replace(FACTS, info=info)
    assert (await ask(watched, "/subsz?subs=1&test=a.b")).status_code == 200
    response = await ask(watched, "/subsz?subs=1&test=a..b")
    assert response.status_code == 400
    assert response.text == "invalid test subject, must be valid publish subject: a..b"
    listed = (await ask(watched, "/subsz")).json()
    assert listed["server_id"] == FACTS.info.server_id


@pytest.mark.parametrize(
    ("paging", "listed"), [("", "13456"), ("&limit=2", "13"), ("&offset=1&limit=2", "34"), ("&offset=9", "")]
)
async def test_who_listens_to_a_subject(watched: Watched, paging: str, listed: str) -> None:
    """With `test` those alone are listed and counted that a message on the subject would reach."""
    subjects = ("a.b", "b", "a.*", "a.>", ">", "a.b", "a.b.c")
    watched.view.facts = replace(FACTS, info=replace(FACTS.info, compatibility=Compatibility.CURRENT))
    watched.view.listened = [
        SubscriptionStats(subject, "", str(sid), 0, 0, 1) for sid, subject in enumerate(subjects, 1)
    ]

    page = (await ask(watched, f"/subsz?subs=1&test=a.b{paging}")).json()

    assert (5, listed) == (page["total"], "".join(one["sid"] for one in page["subscriptions_list"]))
