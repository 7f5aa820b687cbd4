"""When certificates end: what the log says, and what a reload refuses."""

import pytest

from app.adapters.clock_manual import ManualClock
from app.adapters.net_asyncio.tls_context import TlsError
from app.config.options import Options, make_options
from app.entrypoints.certificate_dates import (
    CHECK_SECONDS,
    DAY,
    WARN_DAYS,
    CertificateDates,
    read_dates,
    refuse_expired,
    sections_with_tls,
)
from tests.fakes.event_log import RecordingEventLog
from tests.support.certificates import KeyPair, certificates


def with_tls(pair: KeyPair) -> Options:
    """A server that shows this certificate everywhere."""
    tls = {"cert_file": pair.cert_file, "key_file": pair.key_file}
    routes = {**tls, "ca_file": certificates().authority.ca_file}
    return make_options(
        {
            "tls": tls,
            "cluster": {"port": -1, "tls": routes},
            "websocket": {"port": -1, "tls": tls},
            "leafnodes": {"port": -1, "tls": tls},
        }
    )


def test_each_section_has_a_date() -> None:
    """Those that are in use; the dates are in the files."""
    options = with_tls(certificates().server)

    assert ["tls", "cluster.tls", "leafnodes.tls", "websocket.tls"] == list(sections_with_tls(options))
    assert {32_503_680_000.0} == set(read_dates(options).values())
    assert {} == read_dates(make_options({}))


def test_an_expired_certificate_is_refused() -> None:
    """The error names the section and the date; one that is in use may stay."""
    options = with_tls(certificates().expired_server)
    ends = read_dates(options)
    with pytest.raises(TlsError, match=r"certificate of tls has expired on 2002-01-01 00:00 UTC"):
        refuse_expired(options, {}, 2e9)

    assert ends == refuse_expired(options, ends, 2e9)
    assert ends == refuse_expired(options, {}, 0.0)


@pytest.mark.asyncio
async def test_the_log() -> None:
    """It has a line for each number of days that is near, once, and for a new certificate again."""
    clock, log = ManualClock(), RecordingEventLog()
    dates: dict[str, float] = {}
    watch = CertificateDates(dates, clock, log.record)
    await watch.read(make_options({}))
    dates["tls"] = clock.time() + 20 * DAY
    for _ in range(3):
        clock.advance(CHECK_SECONDS)
    assert 1 == len(log.events)
    assert log.texts()[0].startswith("The certificate of tls expires in 19 days, on ")
    clock.advance(14 * DAY)
    clock.advance(10 * DAY)
    dates["tls"] += 365 * DAY
    watch.check()

    assert log.texts()[-1].startswith("The certificate of tls has expired on ")
    assert len(WARN_DAYS) == len(log.events)


@pytest.mark.parametrize(("days", "span"), [(0.5, "less than a day"), (1.5, "1 day"), (2.5, "2 days")])
def test_the_days_that_are_left(days: float, span: str) -> None:
    """The line in the log is a sentence for any number of days."""
    clock, log = ManualClock(), RecordingEventLog()

    CertificateDates({"tls": clock.time() + days * DAY}, clock, log.record).check()

    assert f"The certificate of tls expires in {span}, on " in log.texts()[0]


@pytest.mark.asyncio
async def test_a_file_that_is_gone_meanwhile() -> None:
    """Nothing is known then, and the server serves."""
    dates: dict[str, float] = {}
    log = RecordingEventLog()
    tls = {"cert_file": "/nope", "key_file": "/nope"}
    await CertificateDates(dates, ManualClock(), log.record).read(make_options({"tls": tls}))

    assert {} == dates
    assert [] == log.events
