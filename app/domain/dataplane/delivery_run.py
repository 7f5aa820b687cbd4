"""Messages of a stream in a row, to those who subscribe to one subject: plain twin."""

from .ack_run import read_acks
from .direct import DirectDelivery, message_of, reach_of
from .message_run import AckNumbers, AckRun, MessageRun
from .reach import Reach


class RunDelivery(DirectDelivery):
    """The part of a plane that sends what consumers deliver. See `reach.Direct`."""

    def deliver_run(self, to: bytes, run: MessageRun, acks: AckNumbers, room: int) -> tuple[int, int]:
        """See `reach.Direct`."""
        subjects = run.subjects[: max(0, acks.pending + 1)]
        _check_columns(run, len(subjects))
        plan = self._plan_of(to, renamed=True)
        sent = size = 0
        try:
            for subject in subjects:
                if subject == to or reach_of(plan, self.server, renamed=True) is not Reach.SENT:
                    break
                numbers = run.sequences[sent], acks.number + sent, run.times[sent], acks.pending - sent
                ack = acks.prefix + b"%d.%d.%d.%d" % numbers
                start, end = run.starts[sent], run.ends[sent]
                _check_place(start, start + run.heads[sent], end, len(run.data))
                each = len(subject) + len(ack) + end - start
                if size + each > room:
                    break
                body = start + run.heads[sent]
                message = message_of(subject, ack, run.data[start:body], run.data[body:end])
                self.send(plan, to, message, run.data[start:end])
                sent, size = sent + 1, size + each
        except Exception:
            if not sent:
                raise
        return sent, size

    @staticmethod
    def read_acks(data: bytes, position: int) -> AckRun | None:
        """See `reach.Direct`."""
        return read_acks(data, position)


def _check_columns(run: MessageRun, count: int) -> None:
    for column in (run.sequences, run.times, run.heads, run.starts, run.ends):
        if column.typecode != "q" or len(column) < count:
            raise TypeError("a run is made of columns of the same length")


def _check_place(start: int, body: int, end: int, size: int) -> None:
    if not 0 <= start <= body <= end <= size:
        raise ValueError("a message that is not within its run")
