"""The pages for people: the index at ``/`` and the documentation of the answers at ``/docs``.

All of it comes from this server, and nothing from the network.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

_PACKAGE = "fastapi_offline"
"""Contains Swagger UI. Only its files are used; its code is not imported."""

_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>pynatsd</title>
<link rel="icon" href="data:,">
<style>
body { font: 1.1rem/1.7 system-ui, sans-serif; margin: 2rem auto; max-width: 34rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
dt { float: left; clear: left; width: 7rem; }
dd { margin-left: 7rem; }
</style>
</head>
<body>
<h1>pynatsd</h1>
<dl>
<dt><a href=/varz>varz</a></dt><dd>the server</dd>
<dt><a href=/connz>connz</a></dt><dd>clients</dd>
<dt><a href=/routez>routez</a></dt><dd>routes to other servers</dd>
<dt><a href=/subsz>subsz</a></dt><dd>subscriptions</dd>
<dt><a href=/metrics>metrics</a></dt><dd>for Prometheus</dd>
<dt><a href=/jsz>jsz</a></dt><dd>JetStream: streams and consumers</dd>
<dt><a href=/slowz>slowz</a></dt><dd>receivers that were too slow</dd>
<dt><a href=/healthz>healthz</a></dt><dd>for probes</dd>
<dt><a href=/accountz>accountz</a></dt><dd>the names of accounts</dd>
<dt><a href=/accstatz>accstatz</a></dt><dd>accounts</dd>
<dt><a href=/gatewayz>gatewayz</a></dt><dd>gateways: there are none</dd>
<dt><a href=/leafz>leafz</a></dt><dd>leaf nodes and hubs</dd>
{further}<dt><a href=/docs>docs</a></dt><dd>what the answers mean: the help</dd>
</dl>
</body>
</html>
"""


def index_page(further: Mapping[str, str]) -> str:
    """The index page; `further` are more links, as descriptions by path."""
    links = [
        f"<dt><a href={path}>{path.strip('/')}</a></dt><dd>{use}</dd>\n" for path, use in further.items()
    ]
    return INDEX.replace("{further}", "".join(links))


def docs_router(title: str, openapi_url: str) -> APIRouter:
    """The documentation page and its files."""
    router = APIRouter(include_in_schema=False)
    folder = _folder()

    async def page() -> Response:
        return get_swagger_ui_html(
            openapi_url=openapi_url,
            title=title,
            swagger_js_url="/docs/swagger-ui-bundle.js",
            swagger_css_url="/docs/swagger-ui.css",
            swagger_favicon_url="/docs/favicon.png",
        )

    async def asset(name: str) -> Response:
        if name not in _ASSETS:
            raise HTTPException(404)
        return FileResponse(folder / name, media_type=_ASSETS[name])

    router.add_api_route("/docs", page)
    router.add_api_route("/docs/{name}", asset)
    return router


def _folder() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(_PACKAGE)
    return Path(spec.origin).parent / "static"
