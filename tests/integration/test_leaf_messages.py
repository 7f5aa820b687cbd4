"""What crosses a leaf link: messages, requests, headers and interest, between all programs.

The servers are started once for each pair of programs; each test has subjects of its own.
"""

import asyncio
from functools import partial

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError

from tests.support.leaf_clients import DEADLINE, Ends, Heard, all_met, clients, is_unheard, met, passed, until
from tests.support.leaf_ends import ends_of, servers_of
from tests.support.leaf_servers import pairs

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]

_servers = servers_of(pairs())
_ends = ends_of()


@pytest.mark.parametrize("size", [0, 16, 70_000, 1_000_000])
async def test_a_message(ends: Ends, size: int) -> None:
    """A message of any size arrives whole, with its subject and its reply."""
    subscription = await ends.far.subscribe("one.*")
    await met(ends.near, ends.far)

    await ends.near.publish("one.message", size * b"x", reply="back.here")
    message = await subscription.next_msg(DEADLINE)

    assert ("one.message", "back.here", size) == (message.subject, message.reply, len(message.data))
    assert size * b"x" == message.data


async def test_many_messages(ends: Ends) -> None:
    """Five thousand messages arrive once each, in order."""
    heard = Heard()
    await heard.listen(ends.far, "many")
    await met(ends.near, ends.far)

    for number in range(5000):
        await ends.near.publish("many", b"%d" % number)
    await heard.wait(5000)
    await passed(ends.near, ends.far)

    assert [b"%d" % number for number in range(5000)] == heard.payloads


async def test_several_subscribers(ends: Ends) -> None:
    """Plain subscribers on both sides, several of them with wildcards, get each message once."""
    heard = Heard()
    for client, place in ((ends.near, "near"), (ends.far, "far")):
        for pattern in ("several.a", "several.*", "several.>"):
            await heard.listen(client, pattern, place)
    await met(ends.near, ends.far)

    for number in range(100):
        await ends.near.publish("several.a", b"%d" % number)
    await heard.wait(600)
    await passed(ends.near, ends.far)

    assert {"near": 300, "far": 300} == heard.places
    assert {6} == heard.copies


async def test_a_queue_group_over_both_sides(ends: Ends) -> None:
    """Each message reaches one member of a group, and those at the publisher's server come first."""
    heard = Heard()
    for client, place in ((ends.near, "near"), (ends.near, "near"), (ends.far, "far"), (ends.far, "far")):
        await heard.listen(client, "work.shared", place, queue="workers")
    await met(ends.near, ends.far)

    for number in range(200):
        await ends.near.publish("work.shared", b"%d" % number)
    await heard.wait(200)
    await passed(ends.near, ends.far)

    assert (200, {1}) == (len(heard.payloads), heard.copies)
    assert {"near": 200} == heard.places


async def test_a_queue_group_on_the_other_side(ends: Ends) -> None:
    """Each message reaches one member of a group across the link, and every member has a share."""
    heard = Heard()
    for place in ("x", "y", "z"):
        await heard.listen(ends.far, "work.far", place, queue="workers")
    await met(ends.near, ends.far)

    for number in range(300):
        await ends.near.publish("work.far", b"%d" % number)
    await heard.wait(300)
    await passed(ends.near, ends.far)

    assert (300, {1}) == (len(heard.payloads), heard.copies)
    assert {"x", "y", "z"} == set(heard.places)


async def test_groups_and_plain_subscribers_in_one_line(ends: Ends) -> None:
    """Two groups across the link get each message once, and plain subscribers beside them all of them."""
    heard = Heard()
    await heard.listen(ends.far, "mixed", "plain")
    for group in ("g1", "g2"):
        await heard.listen(ends.far, "mixed", group, queue=group)
        await heard.listen(ends.far, "mixed", group, queue=group)
    await met(ends.near, ends.far)

    for number in range(100):
        await ends.near.publish("mixed", b"%d" % number, reply="nowhere")
    await heard.wait(300)
    await passed(ends.near, ends.far)

    assert {"plain": 100, "g1": 100, "g2": 100} == heard.places
    assert {3} == heard.copies


async def test_a_group_that_another_link_serves_is_left_alone(ends: Ends) -> None:
    """A plain subscriber across the link gets what a group at the publisher's server is given."""
    heard = Heard()
    await heard.listen(ends.near, "parted", "member", queue="g")
    await heard.listen(ends.far, "parted", "plain")
    await met(ends.near, ends.far)

    for number in range(50):
        await ends.near.publish("parted", b"%d" % number)
    await heard.wait(100)
    await passed(ends.near, ends.far)

    assert {"member": 50, "plain": 50} == heard.places


@pytest.mark.parametrize("queue", ["", "workers"])
async def test_requests(ends: Ends, queue: str) -> None:
    """A request finds its service, and the answer its way back."""

    async def answer(message: Msg) -> None:
        await message.respond(b"answer to " + message.data)

    await ends.far.subscribe("service", queue=queue, cb=answer)
    await met(ends.near, ends.far)

    found = [(await ends.near.request("service", b"%d" % n, timeout=DEADLINE)).data for n in range(100)]

    assert [b"answer to %d" % number for number in range(100)] == found


async def test_headers(ends: Ends) -> None:
    """Headers cross the link unchanged, with and without a payload, a reply and a queue group."""
    plain = await ends.far.subscribe("headed")
    member = await ends.far.subscribe("headed", queue="g")
    await met(ends.near, ends.far)

    for payload, reply in ((b"", ""), (b"hello", "back")):
        await ends.near.publish("headed", payload, reply=reply, headers={"A": "1", "B": "x y"})
        for subscription in (plain, member):
            message = await subscription.next_msg(DEADLINE)
            assert {"A": "1", "B": "x y"} == message.headers
            assert (payload, reply) == (message.data, message.reply)


async def test_an_answer_with_headers(ends: Ends) -> None:
    """The answer to a request may have headers, too."""

    async def answer(message: Msg) -> None:
        await ends.far.publish(message.reply, b"yes", headers={"Status": "fine"})

    await ends.far.subscribe("asked", cb=answer)
    await met(ends.near, ends.far)

    message = await ends.near.request("asked", b"?", timeout=DEADLINE)

    assert (b"yes", {"Status": "fine"}) == (message.data, message.headers)


async def test_no_responders(ends: Ends) -> None:
    """A request that nobody on either side hears is answered at once."""
    await met(ends.near, ends.far)

    with pytest.raises(NoRespondersError):
        await ends.near.request("nobody.hears", b"", timeout=DEADLINE)


async def test_interest_comes_and_goes(ends: Ends) -> None:
    """Requests are answered with 503 again when the last subscriber across the link has left."""
    await met(ends.near, ends.far)
    first = await ends.far.subscribe("fleeting")
    second = await ends.far.subscribe("fleeting")
    await met(ends.near, ends.far)
    assert not await is_unheard(ends.near, "fleeting")

    await first.unsubscribe()
    await met(ends.near, ends.far)
    assert not await is_unheard(ends.near, "fleeting")

    await second.unsubscribe()
    await until(lambda: is_unheard(ends.near, "fleeting"))


async def test_a_member_of_a_group_comes_and_goes(ends: Ends) -> None:
    """The same with queue groups."""
    await met(ends.near, ends.far)
    member = await ends.far.subscribe("fleeting.group", queue="g")
    await met(ends.near, ends.far)
    assert not await is_unheard(ends.near, "fleeting.group")

    await member.unsubscribe()
    await until(lambda: is_unheard(ends.near, "fleeting.group"))


async def test_a_client_that_leaves_takes_its_interest_along(ends: Ends) -> None:
    """So it is when a client ends without a word about its subscriptions."""
    async with clients(ends.far_url) as (guest,):
        for number in range(20):
            await guest.subscribe(f"guest.{number}")
        await guest.flush()
        await met(ends.near, guest)
        assert not await is_unheard(ends.near, "guest.19")

    for number in range(20):
        await until(partial(is_unheard, ends.near, f"guest.{number}"))


async def test_a_limit(ends: Ends) -> None:
    """A subscription with a maximum gets that many messages, and its interest ends after them."""
    subscription = await ends.far.subscribe("limited")
    await subscription.unsubscribe(limit=3)
    await met(ends.near, ends.far)

    for number in range(3):
        await ends.near.publish("limited", b"%d" % number)
    found = [(await subscription.next_msg(DEADLINE)).data for _ in range(3)]

    assert [b"0", b"1", b"2"] == found
    await until(lambda: is_unheard(ends.near, "limited"))


async def test_interest_in_everything(ends: Ends) -> None:
    """A subscriber of ``>`` across the link gets every subject, and still only once."""
    heard: list[str] = []

    async def take(message: Msg) -> None:
        if message.subject.startswith("everything."):
            heard.append(message.subject)

    await ends.far.subscribe(">", cb=take)
    await met(ends.near, ends.far)

    for subject in ("everything.a", "everything.b.c", "everything.d.e.f"):
        await ends.near.publish(subject, b"")
    await passed(ends.near, ends.far)

    assert ["everything.a", "everything.b.c", "everything.d.e.f"] == heard


async def test_subscriptions_that_never_end_up_in_a_circle(ends: Ends) -> None:
    """With subscribers of the same subject on both sides, messages from both come once to each."""
    heard = Heard()
    await heard.listen(ends.near, "circle", "near")
    await heard.listen(ends.far, "circle", "far")
    await all_met(ends.near, ends.far)

    for number in range(50):
        await ends.near.publish("circle", b"n%d" % number)
        await ends.far.publish("circle", b"f%d" % number)
    await heard.wait(200)
    await passed(ends.near, ends.far)
    await passed(ends.far, ends.near)

    assert {"near": 100, "far": 100} == heard.places
    assert {2} == heard.copies


async def test_ten_thousand_subjects(ends: Ends) -> None:
    """Interest in many subjects crosses the link, and goes with its client."""

    async def subscribe(client: Client, count: int) -> None:
        for number in range(count):
            await client.subscribe(f"wide.{number}")

    async with clients(ends.far_url) as (guest,):
        await subscribe(guest, 10_000)
        await asyncio.wait_for(met(ends.near, guest), DEADLINE)
        unheard = [await is_unheard(ends.near, f"wide.{number}") for number in (0, 5_000, 9_999)]
        assert [False, False, False] == unheard

    await until(lambda: is_unheard(ends.near, "wide.9999"))
