"""SharePoint's own REST as far as managed metadata needs it: ValidateUpdateListItem, a list's term columns.

It lies below a site's address, not below Graph's, and takes a token for SharePoint's host.
"""

import json
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from aiohttp import web

from km365.local import columns, faults, fields, items, journal, lists, sites, tokens
from km365.local.odata import Query
from km365.local.routes import (
    PAGES,
    Answer,
    Call,
    Documented,
    GraphFault,
    Json,
    Request,
    Route,
    not_found,
    unknown,
)
from km365.local.server import M365, M365_KEY, split_url, to_http

VALIDATE = "/sharepoint/{site:.*}/_api/web/lists(guid'{list}')/items({item})/ValidateUpdateListItem"
FIELDS = "/sharepoint/{site:.*}/_api/web/lists(guid'{list}')/fields"

faults.quirk(
    "rest_refused",
    "SharePoint's own REST answers 401, as to an app that signs in with a secret instead of a certificate",
    evidence=Documented("sp-dev-docs solution-guidance/security-apponly-azuread"),
)

Handler = Callable[[Call, sqlite3.Row], Json]


def _route(verb: str, template: str, units: int, page: str) -> Route:
    async def unused(call: Call) -> Json:
        raise unknown(template)

    return Route(
        verb=verb,
        template=template,
        pattern=re.compile(""),
        options=frozenset(),
        evidence=Documented(page),
        units=units,
        status=200,
        handler=unused,
    )


def validate_update(call: Call, list_row: sqlite3.Row) -> Json:
    """Sets columns by their visible names; what a field refuses is said in its result, with status 200."""
    item = items.get(call.state, list_row["id"], call["item"])
    body = call.json()
    if body.get("bNewDocumentUpdate"):
        raise unknown("bNewDocumentUpdate")
    form = body.get("formValues")
    if not isinstance(form, list) or not all(isinstance(one, Mapping) for one in form):
        raise GraphFault(400, "-1, Microsoft.SharePoint.Client.InvalidClientQueryException", "formValues.")
    fields.refuse_update(call, item)
    written, results = fields.Written(), []
    for one in form:
        name, value = str(one.get("FieldName")), str(one.get("FieldValue") or "")
        said = _read(call, list_row, name, value, written)
        results.append(
            {"FieldName": name, "FieldValue": value, "HasException": bool(said), "ErrorMessage": said}
        )
    if not any(one["HasException"] for one in results):
        fields.keep(call, list_row, item, written)
    return {"value": results}


def _read(call: Call, list_row: sqlite3.Row, name: str, value: str, written: fields.Written) -> str | None:
    """Takes in one field's value; what is wrong with it, None for nothing."""
    known = {c["name"]: c for c in columns.of_owner(call.state, list_row["id"])}
    column = known.get(name)
    try:
        if column is None:
            return f"Column '{name}' does not exist."
        if column["kind"] != "term":
            raise unknown("ValidateUpdateListItem for columns other than managed metadata")
        fields.refuse_read_only(column, name)
        fields.read_terms(call, list_row, column, value, written)
    except GraphFault as fault:
        if fault.status == 501:
            raise
        return fault.message
    return None


def term_columns(call: Call, list_row: sqlite3.Row) -> Json:
    """The managed-metadata columns with the id of their hidden note field, which Graph does not tell."""
    known = columns.of_owner(call.state, list_row["id"])
    notes = {c["note_of"]: c["id"] for c in known if c["note_of"]}
    return {
        "value": [
            {
                "Id": c["id"],
                "InternalName": c["name"],
                "Title": c["display_name"],
                "TypeAsString": "TaxonomyFieldTypeMulti" if _several(c) else "TaxonomyFieldType",
                "TextField": notes[c["name"]],
                "ReadOnlyField": bool(c["read_only"]),
            }
            for c in known
            if c["kind"] == "term"
        ]
    }


def _several(column: sqlite3.Row) -> bool:
    return bool(json.loads(column["facet"]).get("allowMultipleValues"))


def _addresses(app: web.Application, m365: M365) -> None:
    validating = _route("POST", VALIDATE, 2, "cli-microsoft365 docs listitem-set")
    listing = _route("GET", FIELDS, 2, "issue Office365-REST-Python-Client, taxonomy/field.py")
    app.router.add_post(VALIDATE, _served(validating, validate_update))
    app.router.add_get(FIELDS, _served(listing, term_columns))


PAGES.insert(0, _addresses)  # before the pages for people, which take every address below /sharepoint


def _served(route: Route, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(http: web.Request) -> web.StreamResponse:
        m365 = http.app[M365_KEY]
        path, _ = split_url(http.raw_path)
        request = Request(
            verb=http.method,
            path=path,
            query=Query(""),
            headers=http.headers,
            body=await http.read(),
            caller=tokens.NOBODY,
            request_id=m365.state.new_id(),
        )
        try:
            request = _signed_in(m365, request)
            limits = m365.throttle.charge(request.caller.app_id, 2)
            faults.inject(m365.state, request)
            call = Call(m365=m365, request=request, route=route, parameters=dict(http.match_info))
            answer = Answer(200, handler(call, _list(call)), limits)
        except GraphFault as fault:
            answer = m365.refuse(request, fault)
        journal.write(m365.state, request, answer.status)
        return to_http(answer)

    return serve


def _signed_in(m365: M365, request: Request) -> Request:
    caller = tokens.caller_of(m365.state, request.headers.get("Authorization"))
    if faults.setting(m365.state, "rest_refused") is not None:
        raise GraphFault(
            401, "-2147024891, System.UnauthorizedAccessException", "Unsupported app only token."
        )
    return replace(request, caller=caller)


def _list(call: Call) -> sqlite3.Row:
    """The list the address names, which must be one of its site's."""
    site = sites.find_at(call.state, sites.HOST, call["site"])
    row = lists.by_id(call.state, call["list"].lower())
    if row["site_id"] != site["id"]:
        raise not_found("the list")
    return row
