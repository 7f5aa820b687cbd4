"""A broker with hooks that a test plays."""

from app.domain.dataplane.seam import MakePlane
from app.domain.hooks.decisions import ALLOW, Allow, Refuse
from app.domain.hooks.hook_event import HookPoint
from app.domain.limits import Limits
from app.domain.protocol.compatibility import Compatibility
from app.domain.security.credentials import Gatekeeper
from tests.fakes.hook_caller import FakeHookCaller, terms
from tests.support.virtual_broker import BrokerSetup, VirtualBroker, VirtualClient

CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"name":"%b"}\r\n'
PATTERNS = (b"h.>",)


class HookedBroker(VirtualBroker):
    """Of today; hooks see subjects from ``h.`` on."""

    def __init__(
        self,
        make_plane: MakePlane,
        *points: HookPoint,
        patterns: tuple[bytes, ...] = PATTERNS,
        limits: Limits | None = None,
        gatekeeper: Gatekeeper | None = None,
        on_error: Allow | Refuse = ALLOW,
    ) -> None:
        self.hooks = FakeHookCaller()
        hooks = terms(*points, patterns=patterns, on_error=on_error), self.hooks
        setup = BrokerSetup(compatibility=Compatibility.CURRENT, hooks=hooks)
        super().__init__(make_plane, limits, gatekeeper=gatekeeper, setup=setup)

    def client(self, name: bytes, lines: bytes = b"", connect: bytes = CONNECT) -> VirtualClient:
        """One that is in, and has sent these lines; what it heard is forgotten."""
        client = self.connect()
        client.send((connect % name if b"%b" in connect else connect) + lines)
        client.heard()
        return client

    def answer(self, answer: object = None) -> None:
        """Give the oldest answer that is missing, and let the broker come to rest."""
        self.hooks.settle(answer)
        self.settle()
