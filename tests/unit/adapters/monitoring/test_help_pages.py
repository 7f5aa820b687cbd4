"""The pages for people: the index, and the documentation."""

from http import HTTPStatus

import pytest

from app.adapters.monitoring.help_pages import index_page
from tests.fakes.broker_view import Watched
from tests.unit.adapters.monitoring.client import ask


def test_the_index_has_further_links() -> None:
    """Further pages are listed with their descriptions, and nothing of the template stays."""
    page = index_page({"/dashboard": "all of it, live"})

    assert "<dt><a href=/dashboard>dashboard</a></dt><dd>all of it, live</dd>" in page
    assert "{" not in page.partition("</style>")[2]


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"])
async def test_files_of_the_documentation(watched: Watched, name: str) -> None:
    """The documentation needs no other server: its page names its own files, which are there."""
    page = await ask(watched, "/docs")
    file = await ask(watched, f"/docs/{name}")

    assert f"/docs/{name}" in page.text
    assert "//cdn" not in page.text
    assert HTTPStatus.OK == file.status_code


@pytest.mark.asyncio
async def test_other_files(watched: Watched) -> None:
    """No other file of the package is served."""
    assert HTTPStatus.NOT_FOUND == (await ask(watched, "/docs/oauth2-redirect.html")).status_code
