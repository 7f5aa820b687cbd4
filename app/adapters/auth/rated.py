"""Rate limits: logins per second, and what each user may publish."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from ...domain.rates import Bucket, PublishRate
from ...domain.security.credentials import Answer, Credentials, Identity, PendingVerdict
from ...ports.authenticator import Authenticator


class RatedUsers(Authenticator):
    """Adds to each identity what its user may publish within a second."""

    def __init__(self, inner: Authenticator, rates: Mapping[str, PublishRate]) -> None:
        """`rates` are by user or public nkey."""
        self._inner = inner
        self._rates = dict(rates)

    @property
    def required(self) -> bool:
        return self._inner.required

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        def rated(identity: Identity | None) -> None:
            rate = None if identity is None else self._rates.get(identity.user)
            answer(identity if identity is None or rate is None else replace(identity, publish_rate=rate))

        return self._inner.check(credentials, rated)

    def close(self) -> None:
        self._inner.close()


class PacedLogins(Authenticator):
    """Judges a number of logins a second, and lets the others wait for their turn."""

    def __init__(self, inner: Authenticator, rate: float) -> None:
        """`rate` is in logins per second; a burst of one second's worth is judged at once."""
        self._inner = inner
        self._rate = rate
        self._bucket: Bucket | None = None
        self._waiting: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def required(self) -> bool:
        return self._inner.required

    def check(self, credentials: Credentials, answer: Answer) -> PendingVerdict | None:
        now = asyncio.get_running_loop().time()
        if self._bucket is None:
            self._bucket = Bucket(self._rate, now)
        if not self._waiting and self._bucket.admits(now):
            return self._inner.check(credentials, answer)
        waiting = _Waiting(credentials, answer)
        self._waiting.append(waiting)
        self._set_timer()
        return waiting

    def _set_timer(self) -> None:
        if self._timer is None and self._waiting:
            self._timer = asyncio.get_running_loop().call_later(1 / self._rate, self._next)

    def _next(self) -> None:
        self._timer = None
        bucket, now = self._bucket, asyncio.get_running_loop().time()
        while self._waiting and self._waiting[0].is_over:
            self._waiting.popleft()
        while self._waiting and bucket is not None and bucket.admits(now):
            waiting = self._waiting.popleft()
            if not waiting.is_over:
                waiting.begin(self._inner)
        self._set_timer()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()
        self._inner.close()


class _Waiting(PendingVerdict):
    """A login that waits for its turn, or is judged."""

    def __init__(self, credentials: Credentials, answer: Answer) -> None:
        self._credentials = credentials
        self._answer = answer
        self._pending: PendingVerdict | None = None
        self._has_begun = False
        self.is_over = False
        """Whether its answer is not needed any more."""

    @property
    def under_way(self) -> bool:
        return self._has_begun and (self._pending is None or self._pending.under_way)

    def begin(self, inner: Authenticator) -> None:
        """Its turn has come."""
        self._has_begun = True
        self._pending = inner.check(self._credentials, self._take)

    def _take(self, identity: Identity | None) -> None:
        if not self.is_over:
            self.is_over = True
            self._answer(identity)

    def cancel(self) -> None:
        self.is_over = True
        if self._pending is not None:
            self._pending.cancel()
