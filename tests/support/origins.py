"""Streams that copy from others, for unit tests: origins, mirrors, and streams with a source."""

from tests.fakes.stream_host import FakeHost, HeldStorage, Made, make


def origin(host: FakeHost, *subjects: str, name: str = "O", **fields: object) -> Made:
    """A stream on `o.>` with a message on each subject."""
    given: dict[str, object] = {"name": name, "subjects": ["o.>"]}
    made = make(host, **(given | fields))  # type: ignore[arg-type]  # fields of a configuration only
    fill(made, *subjects)
    return made


def fill(made: Made, *subjects: str) -> None:
    """Store a message on each."""
    for subject in subjects:
        made.publish(subject, subject[-1])
    made.outlet.clock.run_pending()
    made.outlet.take()


def mirror(host: FakeHost, storage: HeldStorage | None = None, more: dict[str, object] | None = None) -> Made:
    """A mirror of `O`."""
    return make(host, storage, name="M", subjects=[], mirror={"name": "O"} | (more or {}))


def sourced(host: FakeHost, storage: HeldStorage | None = None, **fields: object) -> Made:
    """A stream with `O` as its source."""
    return make(host, storage, name="T", subjects=[], sources=[{"name": "O"} | fields])


def run(host: FakeHost) -> None:
    """Let all that is pending happen."""
    host.outlet.clock.run_pending()


def status(made: Made) -> dict[str, object]:
    """The status of the mirror, or of the first source."""
    found = made.stream.feeds.mirror_json()
    return found if found is not None else made.stream.feeds.sources_json()[0]


def mark(made: Made, sequence: int) -> str:
    """What a copy says of where it came from."""
    message = made.log.read(sequence)
    assert message is not None
    return message.headers.decode().split("Nats-Stream-Source: ")[1].split("\r\n")[0]
