"""A broker in virtual time, with monitoring."""

from app.adapters.monitoring.context import MonitoringContext, MonitorSettings, WallTime
from app.domain.dataplane import PYTHON, choose
from app.domain.limits import Limits
from app.domain.monitoring.view import LiveView
from tests.support.virtual_broker import VirtualBroker, VirtualClient


class MonitoredBroker:
    """A broker on the plain twin, driven by a test alone."""

    def __init__(self, limits: Limits | None = None, *, name: str = "") -> None:
        """`name` is the server's, for people."""
        self.server = VirtualBroker(choose(PYTHON)[1], limits)
        self.view = LiveView(self.server.broker)
        self.context = MonitoringContext(
            self.view,
            MonitorSettings(tls_timeout=0.5, server_name=name, data_plane=PYTHON),
            WallTime(self.server.clock),
        )

    def connect(self, name: str = "", *subjects: str) -> VirtualClient:
        """A client of this name that listens to these subjects."""
        client = self.server.connect()
        lines = [f'CONNECT {{"verbose":false,"name":"{name}","lang":"test","version":"1.0"}}']
        lines += [f"SUB {subject} {sid}" for sid, subject in enumerate(subjects, 1)]
        client.ask("".join(f"{line}\r\n" for line in lines).encode())
        return client
