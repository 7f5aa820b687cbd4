"""Messages without payload that say what becomes of a request: a status line and header fields."""

END = b"\r\n"


def status(line: str, *fields: tuple[str, object]) -> bytes:
    """A header block with this status line."""
    text = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"NATS/1.0 {line}\r\n{text}\r\n".encode()


NO_MESSAGES = status("404 No Messages")
REQUESTS_PENDING = status("408 Requests Pending")
MAX_WAITING = status("409 Exceeded MaxWaiting")
PUSH_BASED = status("409 Consumer is push based")
DELETED = status("409 Consumer Deleted")
SHUTDOWN = "409 Server Shutdown"
PIN_MISMATCH = status("423 Nats-Pin-Id mismatch")
FLOW_CONTROL = status("100 FlowControl Request")


def ended(line: str, messages: int, size: int) -> bytes:
    """A request ends with these many messages and bytes left of what it asked for."""
    return status(line, ("Nats-Pending-Messages", messages), ("Nats-Pending-Bytes", size))


def heartbeat(number: int, sequence: int, stalled: bytes = b"") -> bytes:
    """A sign of life: the last consumer sequence and stream sequence; `stalled` by flow control or not."""
    more = (("Nats-Consumer-Stalled", stalled.decode()),) if stalled else ()
    return status("100 Idle Heartbeat", ("Nats-Last-Consumer", number), ("Nats-Last-Stream", sequence), *more)


def with_field(headers: bytes, name: bytes, value: bytes) -> bytes:
    """The header block with one more field at its end; a new block if there is none."""
    field = name + b": " + value + b"\r\n\r\n"
    return (headers[: -len(END)] if headers else b"NATS/1.0\r\n") + field
