"""Unit tests of the signals of a program, in processes of their own."""

import signal
import subprocess
import sys

import pytest

from tests.support.patience import PATIENCE

USUAL, QUIET = "signals.restore_defaults(signals.exit_at_once())", "signals.exit_at_once()"
INTERRUPTED = "signals.exit_at_once(); stopping = signals.StopSignals(signals.raise_interrupt)"
HANDLED = "names = []; stopping = signals.StopSignals(names.append)"
REQUESTS = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]


def asked(number: signal.Signals) -> str:
    """A server with a loop that does what is in `soon`."""
    requests = f"{{signal.Signals({number:d}): lambda: done.append(1)}}"
    call_soon = "lambda call, number: soon.append((call, number))"
    return f"done, soon = [], []; asking = signals.RequestSignals({call_soon}, {requests})"


def status(before: str, number: signal.Signals, after: str = "sys.exit(7)") -> int:
    """What a program ends with that gets a signal; 7 when it goes on."""
    code = (
        f"import signal, sys\nfrom app.entrypoints import signals\n{before}\nsignal.raise_signal({number:d})"
    )
    return subprocess.run(
        [sys.executable, "-c", f"{code}\n{after}"], stderr=subprocess.DEVNULL, timeout=PATIENCE, check=False
    ).returncode


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_before_anything_has_begun(number: signal.Signals) -> None:
    """A server that is stopped before it starts exits with status 0."""
    assert 0 == status(QUIET, number)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_questions_before_there_is_a_server(number: signal.Signals) -> None:
    """What only a running server can do is not asked for yet."""
    assert 7 == status(QUIET, number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_program_that_is_no_server(number: signal.Signals) -> None:
    """An answer that is cut short is no success."""
    assert -number == status(USUAL, number)


def test_a_signal_that_was_ignored() -> None:
    """What the parent wants ignored is ignored again."""
    assert 7 == status(f"signal.signal(signal.SIGHUP, signal.SIG_IGN); {USUAL}", signal.SIGHUP)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_files_are_open(number: signal.Signals) -> None:
    """Later on there is time to put things in order."""
    assert 0 == status(
        f"try:\n  {INTERRUPTED}; signal.raise_signal({number:d})\nexcept KeyboardInterrupt: sys.exit(0)",
        number,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_files_are_closed(number: signal.Signals) -> None:
    """Signals that come after the first one do not interrupt what that has begun."""
    begun = f"{INTERRUPTED}; signal.raise_signal({number:d})"
    later = "signal.raise_signal(signal.SIGINT); signal.raise_signal(signal.SIGTERM)"

    assert 0 == status(f"try:\n  {begun}\nexcept KeyboardInterrupt: {later}; sys.exit(0)", number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_was_lost(number: signal.Signals) -> None:
    """A server stops though the code of others has caught the interrupt of its start."""
    lost = f"try:\n  {INTERRUPTED}; signal.raise_signal({number:d})\nexcept KeyboardInterrupt: pass"
    right = f"names == [signals.STOP_SIGNALS[{number:d}]]"

    assert 7 == status(
        lost, number, f"names = []; stopping.then(names.append); sys.exit(7 if {right} else 8)"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_start_without_an_interrupt(number: signal.Signals) -> None:
    """A signal that comes after the start is passed on once, to who handles it then."""
    before = f"{INTERRUPTED}; names = []; stopping.then(names.append)"

    assert 7 == status(before, number, "sys.exit(7 if len(names) == 1 else 8)")


@pytest.mark.parametrize("number", REQUESTS)
def test_requests(number: signal.Signals) -> None:
    """Signals are one request until the loop has taken it up, and then another one."""
    again = f"[signal.raise_signal({number:d}) for _ in range(5000)]; before = len(soon), len(done)"
    obeyed = f"call, number = soon.pop(); call(number); signal.raise_signal({number:d})"
    right = "(before, len(soon), len(done)) == ((1, 0), 1, 1)"

    assert 7 == status(asked(number), number, f"{again}; {obeyed}; sys.exit(7 if {right} else 8)")


@pytest.mark.parametrize("number", REQUESTS)
def test_requests_at_the_end(number: signal.Signals) -> None:
    """When the loop is about to end nothing is asked of it, and what was asked before is not done."""
    late = f"signal.getsignal({number:d})({number:d}, None); call, number = soon.pop(); call(number)"
    right = f"not soon and not done; signal.raise_signal({number:d})"

    assert 7 == status(
        asked(number), number, f"asking.ignore(); {late}; right = {right}\nsys.exit(7 if right else 8)"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_a_running_server(number: signal.Signals) -> None:
    """The first signal is passed on by its name, and later ones, of either kind, are ignored."""
    later = "signal.raise_signal(signal.SIGINT); signal.raise_signal(signal.SIGTERM)"
    right = f"names == [signals.STOP_SIGNALS[{number:d}]]"

    assert 7 == status(HANDLED, number, f"{later}; sys.exit(7 if {right} else 8)")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_within_the_handler(number: signal.Signals) -> None:
    """Signals that come while the first one is handled do not interrupt that."""
    handled = f"signals.StopSignals(lambda name: [signal.raise_signal({number:d}) for _ in range(5000)])"

    assert 7 == status(handled, number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_it_ends(number: signal.Signals) -> None:
    """A server that ends without a signal ignores them, even as its interpreter ends."""
    last = f"class Last:\n  def __del__(self): signal.raise_signal({number:d})\nlast = Last()"

    assert 7 == status(f"{HANDLED}; stopping.ignore()", number, f"{last}\nsys.exit(8 if names else 7)")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_on_its_way(number: signal.Signals) -> None:
    """A signal that another thread has taken is no error: a handler is there, and passes nothing on."""
    late = f"signal.getsignal({number:d})({number:d}, None)"

    assert 7 == status(f"{HANDLED}; stopping.ignore()", number, f"{late}; sys.exit(8 if names else 7)")
