"""The page `/leafz`, and what `/varz` says of leaf nodes (monitoring-pages.md, section 7.1)."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field, TypeAdapter

from ...ports.broker_view import LeafStats, ServerFacts
from .context import LeafSummary, MonitoringContext
from .formats import go_duration, rfc3339
from .jsonp import JAVASCRIPT, reply_in_pieces
from .pages import in_steps, row_with_list, subjects_in_row, with_rows, without_bytes
from .parameters import PageQuery, Switch, is_on
from .schemas import DeniedSubjects, LeafRemoteSection, LeafSection, PageModel, Time
from .stepper import Chunks

NO_COMPRESSION = "off"


class LeafzQuery(PageQuery):
    """Parameters of ``/leafz``."""

    subs: Annotated[Switch, Field(description="1 or true lists what the peers ask for.")] = ""
    acc: Annotated[str, Field(description="Only links of this account. All are of $G.")] = ""


class LeafEntry(PageModel):
    """One leaf link."""

    id: int
    name: Annotated[str, Field(description="What the peer calls itself.")]
    is_spoke: Annotated[bool, Field(description="Whether this server is the leaf of the link.")]
    account: str
    ip: str
    port: int
    rtt: Annotated[str | None, Field(description="Round-trip time of the last ping.", examples=["414µs"])] = (
        None
    )
    in_msgs: int
    out_msgs: int
    in_bytes: int
    out_bytes: int
    subscriptions: int
    compression: str = NO_COMPRESSION
    subscriptions_list: Annotated[list[str] | None, Field(description="Only with subs=1.")] = None


class Leafz(PageModel):
    """The leaf links."""

    server_id: str
    now: Time
    leafnodes: int
    leafs: list[LeafEntry]


_rows = TypeAdapter(list[LeafEntry])


def leaf_entry(stats: LeafStats) -> LeafEntry:
    """A row of ``/leafz``."""
    connection, traffic = stats.connection, stats.connection.traffic
    return LeafEntry(
        id=connection.cid,
        name=stats.name,
        is_spoke=stats.is_spoke,
        account=stats.account,
        ip=connection.ip,
        port=connection.port,
        rtt=go_duration(connection.rtt) if connection.rtt else None,
        in_msgs=traffic.in_msgs,
        out_msgs=traffic.out_msgs,
        in_bytes=traffic.in_bytes,
        out_bytes=traffic.out_bytes,
        subscriptions=stats.subscriptions,
    )


def leafz(context: MonitoringContext, *, subscriptions: bool = False, account: str = "") -> Chunks:
    """All links, or those of an account; with `subscriptions` the subjects that the peers ask for."""
    links = yield from without_bytes(context.view.leaves())
    rows = [leaf_entry(stats) for stats in links if account in ("", stats.account)]
    head = Leafz(
        server_id=context.view.server().info.server_id,
        now=rfc3339(context.wall_time.now()),
        leafnodes=len(rows),
        leafs=[],
    )
    if subscriptions:
        yield from with_rows(head, _with_lists(context, rows))
    else:
        yield from with_rows(head, in_steps(rows, _rows))


def _with_lists(context: MonitoringContext, rows: Iterable[LeafEntry]) -> Chunks:
    for row in rows:
        listed = context.view.subscriptions_of_leaf(row.id)
        yield from row_with_list(row, "subscriptions_list", subjects_in_row(listed))


def leaf_section(summary: LeafSummary, facts: ServerFacts, ends: Mapping[str, float]) -> LeafSection:
    """What ``/varz`` has under ``leaf``."""
    remotes = [
        LeafRemoteSection(
            local_account=remote.account,
            urls=list(remote.addresses),
            deny=DeniedSubjects(
                imports=list(remote.deny_imports) or None, exports=list(remote.deny_exports) or None
            )
            if remote.deny_imports or remote.deny_exports
            else None,
            disabled=remote.disabled or None,
        )
        for remote in summary.remotes
    ]
    if not facts.leaf_port:
        return LeafSection(remotes=remotes or None)
    end = ends.get("leafnodes.tls")
    return LeafSection(
        host=summary.host,
        port=facts.leaf_port,
        auth_timeout=summary.auth_timeout,
        tls_timeout=summary.tls_timeout or None,
        tls_required=summary.tls_required or None,
        tls_verify=summary.tls_verify or None,
        remotes=remotes or None,
        tls_cert_not_after=None if end is None else rfc3339(end),
    )


_JSON: dict[int | str, dict[str, Any]] = {
    200: {"content": {JAVASCRIPT: {"schema": {"type": "string"}}}},
    "4XX": {
        "description": "A parameter cannot be used, as one line says; or the method is not for reading.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    },
}


class LeafPage:
    """The page of one server."""

    def __init__(self, context: MonitoringContext) -> None:
        self._context = context

    def router(self) -> APIRouter:
        """Its path."""
        router = APIRouter(tags=["status"])
        router.add_api_route(
            "/leafz", self.leafz, response_model=Leafz, responses=_JSON, summary="Leaf nodes"
        )
        return router

    async def leafz(self, question: Annotated[LeafzQuery, Query()]) -> Response:
        """Links to leaf nodes, and to hubs whose leaf this server is."""
        self._context.requests.leafz += 1
        chunks = leafz(self._context, subscriptions=is_on(question.subs), account=question.acc)
        return await reply_in_pieces(self._context.stepper.stream(chunks), question.callback)
