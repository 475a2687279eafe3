"""The API describes itself from the table that serves it."""

import re

from homequeue.web.routes import ROUTES


def test_every_route_of_the_api_is_described(as_ben):
    document = as_ben.get("/openapi.json").json
    described = {(m.upper(), p) for p, methods in document["paths"].items() for m in methods}
    served = {
        (route.method, re.sub(r"<(\w+)(:\w+)?>", r"{\1}", route.path))
        for route in ROUTES
        if not route.is_page
    }
    assert described == served


def test_each_has_words_parameters_and_who_may(as_ben):
    paths = as_ben.get("/openapi.json").json["paths"]
    operations = [one for methods in paths.values() for one in methods.values()]
    assert all(one["summary"].endswith((".", ")")) for one in operations)
    retry = paths["/api/jobs/{job_id}/retry"]["post"]
    assert [p["name"] for p in retry["parameters"]] == ["job_id"]
    assert retry["parameters"][0]["schema"] == {"type": "integer"}
    assert retry["security"] == [{"token": ["write"]}]
    assert paths["/healthz"]["get"]["security"] == []
