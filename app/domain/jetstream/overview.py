"""All streams and consumers as rows of a few figures each, for tables that sort and filter them.

A row costs a microsecond or two, where the JSON of `/jsz` costs some dozens.
"""

from collections.abc import Iterable

from ..steps import ROW_WORK, Step, Steps
from .figures import ConsumerFigures, Overview, StreamFigures
from .hosting.hosted import HostedStream


def overview_of(hosted: Iterable[HostedStream], streams: int, consumers: int) -> Steps[Overview]:
    """The first `streams` of them, and the first `consumers` of all."""
    step = Step()
    found: list[StreamFigures] = []
    listed: list[ConsumerFigures] = []
    total_streams = total_consumers = 0
    for each in hosted:
        total_streams += 1
        total_consumers += len(each.consumers)
        if len(found) < streams:
            found.append(stream_figures(each))
        for consumer in list(each.consumers.values())[: consumers - len(listed)]:
            listed.append(consumer.figures())
            if step.is_over_after(ROW_WORK):
                yield
        if step.is_over_after(ROW_WORK):
            yield
    return Overview(tuple(found), tuple(listed), total_streams, total_consumers)


def stream_figures(hosted: HostedStream) -> StreamFigures:
    """The figures of one."""
    config, log = hosted.stream.config, hosted.stream.log
    return StreamFigures(
        name=hosted.name,
        subjects=config.subjects,
        retention=config.retention,
        in_memory=config.in_memory,
        messages=log.count,
        size=log.size,
        first_time=log.first_time,
        last=log.last,
        consumers=len(hosted.consumers),
        failure="" if log.failure is None else log.failure.value,
    )
