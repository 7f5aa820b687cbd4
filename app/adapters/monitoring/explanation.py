"""The page ``/explain``: what a user or a client may do with a subject, why, and who gets a message on it."""

from collections.abc import Generator
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import Field, TypeAdapter

from ...domain.permissions.configured_users import UnknownUser
from ...domain.permissions.explanation import NO_RIGHTS, Explanation, SubjectRights, explain
from ...ports.broker_view import ClientRights, HookReport, Receivers
from .context import MonitoringContext
from .formats import rfc3339
from .jsonp import JAVASCRIPT, reply_in_pieces
from .pages import in_steps, with_rows, without_bytes
from .parameters import DEFAULT_LIMIT, PageQuery, Whole
from .schemas import (
    DenialEntry,
    Explain,
    GroupEntry,
    HooksEntry,
    InterestedRoute,
    ReceivingEntry,
    Verdict,
)
from .stepper import Chunks

LONGEST_SUBJECT = 4096
"""Of a question, in characters."""

_SEPARATORS = r" \t\r\n\f\v\x00"
_TOKEN = rf"[^.{_SEPARATORS}]"
SUBJECT = rf"^(([^.>{_SEPARATORS}]{_TOKEN}*|>{_TOKEN}+)\.)*{_TOKEN}+$"
"""What may be subscribed to: no token is empty, and ``>`` is the last one."""

_rows = TypeAdapter(list[ReceivingEntry])


class ExplainQuery(PageQuery):
    """Parameters of ``/explain``."""

    subject: Annotated[
        str,
        Field(pattern=SUBJECT, max_length=LONGEST_SUBJECT, description="Of a message or a subscription."),
    ]
    user: Annotated[str | None, Field(description="A user; empty for a client without credentials.")] = None
    cid: Annotated[Whole, Field(description="A client that is connected, in place of a user.")] = 0
    queue: Annotated[
        str,
        Field(pattern=rf"^[^{_SEPARATORS}]*$", description="The queue group of the subscription."),
    ] = ""
    limit: Annotated[
        Whole, Field(description=f"Entries of a list at most; {DEFAULT_LIMIT} for 0, less and more.")
    ] = DEFAULT_LIMIT

    @property
    def most(self) -> int:
        """The effective limit."""
        return self.limit if 0 < self.limit < DEFAULT_LIMIT else DEFAULT_LIMIT


class ExplainPage:
    """The page of one server."""

    def __init__(self, context: MonitoringContext) -> None:
        self._context = context

    def router(self) -> APIRouter:
        """Its path."""
        text = {"text/plain": {"schema": {"type": "string"}}}
        router = APIRouter(tags=["status"])
        router.add_api_route(
            "/explain",
            self.explain,
            response_model=Explain,
            responses={
                200: {"content": {JAVASCRIPT: {"schema": {"type": "string"}}}},
                404: {"description": "There is no such user or client.", "content": text},
                "4XX": {"description": "A parameter cannot be used, as one line says.", "content": text},
            },
            summary="Why a subject is allowed or not, and who listens to it",
        )
        return router

    async def explain(self, question: Annotated[ExplainQuery, Query()]) -> Response:
        """The rules that decide for a user or a client, and the receivers of a message on the subject."""
        if (question.user is None) == (question.cid == 0):
            return _line("Either user or cid is needed", 400)
        client = None
        try:
            if question.user is None:
                client = self._client(question)
                rights = _rights_of(client, question)
            else:
                permissions = self._context.settings.users.find(question.user)
                rights = explain(permissions, _bytes(question.subject), _bytes(question.queue) or None)
        except UnknownUser as error:
            return _line(str(error), 404)
        chunks = self._page(question, rights, client)
        return await reply_in_pieces(self._context.stepper.stream(chunks), question.callback)

    def _client(self, question: ExplainQuery) -> ClientRights:
        client = self._context.view.rights(question.cid, _bytes(question.subject))
        if client is None:
            raise UnknownUser(f"no client with cid {question.cid} is connected")
        return client

    def _page(self, question: ExplainQuery, rights: SubjectRights, client: ClientRights | None) -> Chunks:
        skipped = question.cid if client is not None and not client.echo else 0
        found = yield from without_bytes(
            self._context.view.receivers(_bytes(question.subject), question.most, skipped)
        )
        head = Explain(
            subject=question.subject,
            queue=question.queue or None,
            user=question.user if client is None else client.user or None,
            cid=question.cid or None,
            publish=_verdict(rights.publish),
            subscribe=_verdict(rights.subscribe),
            denials=None if client is None else list(self._denials(client)),
            hooks=_hooks(self._context.view.hooks_on(_bytes(question.subject))),
            num_subscriptions=found.total,
            num_queue_groups=found.total_groups,
            limit=question.most,
            queue_groups=[
                GroupEntry(queue=one.queue, members=one.members, routes=list(one.routes))
                for one in found.groups
            ],
            routes=[
                InterestedRoute(rid=one.rid, remote_id=one.remote_id, name=one.name) for one in found.routes
            ],
            subscriptions=[],
        )
        yield from with_rows(head, in_steps(_entries(found), _rows))

    def _denials(self, client: ClientRights) -> Generator[DenialEntry, None, None]:
        for one in client.denials:
            yield DenialEntry(at=rfc3339(self._context.wall_time.of(one.at)), denied=one.text)


def _rights_of(client: ClientRights, question: ExplainQuery) -> SubjectRights:
    if not client.admitted:
        return NO_RIGHTS
    queue = _bytes(question.queue) or None
    subject = _bytes(question.subject)
    return explain(client.permissions, subject, queue, reply_is_open=client.reply_is_open)


def _entries(found: Receivers) -> Generator[ReceivingEntry, None, None]:
    for one in found.subscriptions:
        yield ReceivingEntry(subject=one.subject, queue=one.queue, cid=one.cid, name=one.name)


def _verdict(explanation: Explanation) -> Verdict:
    left_out = list(explanation.left_out) or None
    return Verdict(allowed=explanation.allowed, rule=explanation.rule, left_out=left_out)


def _hooks(report: HookReport | None) -> HooksEntry | None:
    if report is None:
        return None
    return HooksEntry(
        name=report.name, sees=list(report.points), patterns=list(report.patterns), shadow=report.shadow
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _line(text: str, status: int) -> Response:
    return PlainTextResponse(f"{text}\n", status)
