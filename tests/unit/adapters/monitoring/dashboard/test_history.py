"""History: rings of samples, from which a page that is opened now sees what was before."""

from app.adapters.monitoring.dashboard.history import LENGTH, STEP_SECONDS, WINDOWS, History, HistorySample

FINE, MIDDLE, COARSE = WINDOWS


def sample(number: int) -> HistorySample:
    """The sample that is taken as the n-th, from 0."""
    return HistorySample(STEP_SECONDS * number, number, 2 * number, 0, 0, 0.0, 0, 0)


def history(count: int) -> History:
    """A history of this many samples."""
    made = History()
    for number in range(count):
        made.add(sample(number))
    return made


def test_an_empty_history() -> None:
    """Before the first sample there is nothing to tell."""
    excerpt = History().since(FINE, 0)

    assert (0, [], []) == (excerpt.first, excerpt.samples, excerpt.latest)


def test_all_that_is_new() -> None:
    """Who asks from a number on gets that sample and all later ones."""
    excerpt = history(10).since(FINE, 7)

    assert 7 == excerpt.first
    assert [sample(7), sample(8), sample(9)] == excerpt.samples


def test_nothing_new() -> None:
    """Who has all samples gets none, and the number to ask for next."""
    excerpt = history(10).since(FINE, 10)

    assert (10, []) == (excerpt.first, excerpt.samples)


def test_a_number_from_another_time() -> None:
    """A request for samples that are still to come gets the current number."""
    assert 10 == history(10).since(FINE, 5000).first


def test_what_is_too_old_is_gone() -> None:
    """A window keeps its length, and one sample more, from which its first rate comes."""
    excerpt = history(LENGTH + 50).since(FINE, 0)

    assert 49 == excerpt.first
    assert LENGTH + 1 == len(excerpt.samples)
    assert sample(LENGTH + 49) == excerpt.samples[-1]


def test_a_longer_window_takes_larger_steps() -> None:
    """The window of two hours keeps each twelfth sample, that of a day each twelfth of these."""
    made = history(12 * LENGTH + 2)

    middle, coarse = made.since(MIDDLE, 0), made.since(COARSE, 0)

    assert (24.0, 288.0) == (middle.step, coarse.step)
    assert [sample(12 * number) for number in range(301)] == middle.samples
    assert [sample(144 * number) for number in range(26)] == coarse.samples


def test_a_young_server_has_fine_steps_in_every_window() -> None:
    """As long as a finer window holds all that there is, a longer one shows its samples."""
    full, over = history(LENGTH + 1), history(LENGTH + 2)

    assert [("10m", LENGTH + 1)] * 3 == [
        (excerpt.ring, len(excerpt.samples)) for excerpt in (full.since(window, 0) for window in WINDOWS)
    ]
    assert ["10m", "2h", "2h"] == [over.since(window, 0).ring for window in WINDOWS]


def test_a_number_of_another_ring() -> None:
    """A page that has the samples of a finer ring gets all of the coarser one, and no gap."""
    made = history(LENGTH + 2)

    assert (0, 26) == (made.since(MIDDLE, 301, "10m").first, len(made.since(MIDDLE, 301, "10m").samples))
    assert 26 == made.since(MIDDLE, 301, "2h").first


def test_how_long_windows_are() -> None:
    """Ten minutes, two hours, and a day."""
    assert [600.0, 7200.0, 86_400.0] == [window.seconds for window in WINDOWS]


def test_the_figures_of_now_are_fine_in_every_window() -> None:
    """With each window come the last two samples of all, so that no figure is minutes old."""
    made = history(300)

    assert [[sample(298), sample(299)]] * 3 == [made.since(window, 0).latest for window in WINDOWS]
