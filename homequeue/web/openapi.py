"""The description of the API (OpenAPI 3.1), made from the route table that serves it."""

import inspect
import re
from functools import partial
from typing import Any

from bottle import HTTPResponse

from homequeue import __version__
from homequeue.web.principals import PUBLIC
from homequeue.web.route import Route
from homequeue.web.visits import as_json

ERROR = {
    "type": "object",
    "properties": {"error": {"type": "string"}, "code": {"type": "string"}},
    "required": ["error", "code"],
}
RAW = {"schema": {"type": "string", "format": "binary"}}
#: Bodies that a request takes, by its path; elsewhere a write takes JSON.
BODIES: dict[str, dict[str, Any]] = {
    "/api/assets": {"multipart/form-data": {"schema": {"type": "object"}}, "*/*": RAW},
    "/api/assets/{filename}": {"*/*": RAW},
    "/api/assets/{asset_id}/sidecar": {"*/*": RAW},
    "/api/uploads": {"application/offset+octet-stream": RAW},
    "/api/uploads/{upload_id}": {"application/offset+octet-stream": RAW},
}


def describe(routes: tuple[Route, ...]) -> HTTPResponse:
    """Return the OpenAPI document of all routes that are not pages."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if not route.is_page:
            path = re.sub(r"<(\w+)(:\w+)?>", r"{\1}", route.path)
            paths.setdefault(path, {})[route.method.lower()] = _operation(route, path)
    return as_json(
        {
            "openapi": "3.1.0",
            "info": {"title": "homequeue", "version": __version__},
            "paths": paths,
            "components": {
                "schemas": {"Error": ERROR},
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _operation(route: Route, path: str) -> dict[str, Any]:
    handler = route.handler.func if isinstance(route.handler, partial) else route.handler
    answer = {"description": "Done."}
    schema = {"$ref": "#/components/schemas/Error"}
    error = {
        "description": "Refused, in words.",
        "content": {"application/json": {"schema": schema}},
    }
    operation: dict[str, Any] = {
        "summary": (inspect.getdoc(handler) or "").partition("\n")[0],
        "parameters": [_parameter(*found) for found in re.findall(r"<(\w+):?(\w*)>", route.path)],
        "responses": {"2XX": answer, "4XX": error, "5XX": error},
        "security": [] if route.needs == PUBLIC else [{"token": [route.needs]}],
    }
    if route.writes and route.method != "DELETE":
        json_body = {"application/json": {"schema": {"type": "object"}}}
        operation["requestBody"] = {"content": BODIES.get(path, json_body)}
    return operation


def _parameter(name: str, kind: str) -> dict[str, Any]:
    schema = {"type": "integer"} if kind == "id" else {"type": "string"}
    return {"name": name, "in": "path", "required": True, "schema": schema}
