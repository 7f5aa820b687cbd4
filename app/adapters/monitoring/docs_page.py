"""The documentation of the answers at ``/docs``; all of it comes from this server."""

import importlib.util
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

_PACKAGE = "fastapi_offline"
"""Brings Swagger UI along. Only its files are used; its code is not even imported."""

_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


def docs_router(title: str, openapi_url: str) -> APIRouter:
    """The page, and the files that it needs."""
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
