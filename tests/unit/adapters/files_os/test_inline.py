"""Tools need neither threads nor time."""

from app.adapters.files_os.inline import InlineWorker, StoppedScheduler


def test_jobs_are_done_at_once() -> None:
    """What follows them waits until the end, in order."""
    worker = InlineWorker()
    events: list[str] = []
    worker.submit(lambda: events.append("job"), lambda: events.append("done"))
    assert ["job"] == events
    worker.finish()

    assert ["job", "done"] == events


def test_short_jobs_are_done_at_once() -> None:
    """Unless something is to follow others."""
    worker = InlineWorker()
    events: list[str] = []
    assert worker.try_now(lambda: events.append("first"))
    worker.submit(lambda: events.append("job"), lambda: events.append("done"))
    assert not worker.try_now(lambda: events.append("no"))
    worker.finish()

    assert ["first", "job", "done"] == events


def test_time_does_not_pass() -> None:
    """A scheduler of tools calls nothing later."""
    scheduler = StoppedScheduler()
    events: list[str] = []
    scheduler.call_soon(lambda: events.append("soon"))
    scheduler.call_later(0.0, lambda: events.append("later")).cancel()

    assert ([], 0.0, False) == (events, scheduler.monotonic(), scheduler.input_waits())
