"""The short way to a route that reads.

FastAPI looks for a route among all, opens stacks and solves dependencies with everything they might need; most GETs
need next to nothing of that. From what FastAPI itself found out about such a route this makes a plan: parameters of the
path and the query, dependencies, the call. The handlers stay as they are and know nothing of it. Whatever is unusual
(a parameter that is invalid, unknown or repeated, a route with a body or a stack) goes the long way, which decides.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from inspect import iscoroutinefunction
from typing import Any, Final, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rostrum.kit.clock import monotonic
from rostrum.kit.errors import RostrumError
from rostrum.kit.http import Refused, refusal
from rostrum.kit.quick import must_wait

SCOPE_KEY: Final = "rostrum.door"
REST_SECONDS: Final = 1.0
"""How long a door that had to wait is not tried again without waiting."""

_encode: Final = msgspec.json.Encoder().encode
_JSON: Final = (b"content-type", b"application/json")


class Unusual(Exception):
    """The request is none for the short way."""


class _Visit:
    """One request, and what is known of it so far."""

    __slots__ = ("done", "path", "query", "request", "response")

    def __init__(self, request: Request, path: dict[str, str], query: dict[str, str]) -> None:
        self.request = request
        self.path = path
        self.query = query
        self.response: Response | None = None
        self.done: dict[Any, Any] = {}


Giver = Callable[[_Visit], Any]
Need = Callable[[_Visit], Awaitable[Any]]


class Door:
    """One GET route and its plan."""

    def __init__(self, path: str, route: APIRoute) -> None:
        self.route = route
        self.path = path
        self.segments = path.split("/")
        self.static = [(at, text) for at, text in enumerate(self.segments) if not text.startswith("{")]
        self.dynamic = [(at, text[1:-1]) for at, text in enumerate(self.segments) if text.startswith("{")]
        self.rests_until = 0.0
        self._keys: set[str] = set()
        try:
            self._run: Need | None = self._plan(route.dependant) if _is_plain(route) else None
        except Unusual:
            self._run = None

    @property
    def is_short(self) -> bool:
        """Whether there is a plan."""
        return self._run is not None

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The parameters in a path of as many segments, None if it is not this door's."""
        for at, text in self.static:
            if segments[at] != text:
                return None
        found = {name: segments[at] for at, name in self.dynamic}
        return found if all(found.values()) else None

    def rest(self) -> None:
        """It had to wait: let it be for a moment."""
        self.rests_until = monotonic() + REST_SECONDS

    async def enter(self, scope: Scope, receive: Receive, send: Send, path: dict[str, str]) -> None:
        """Answer a request. Raises Unusual before anything was done if it is not for the short way."""
        assert self._run is not None
        scope["path_params"] = path
        visit = _Visit(Request(scope, receive), path, self._query(scope["query_string"]))
        told = await self._run(visit)
        if isinstance(told, Response):
            must_wait()  # It may be a file or a stream.
            await told(scope, receive, send)
            return
        body = _encode(told)
        headers = [_JSON, (b"content-length", b"%d" % len(body))]
        if visit.response is not None:
            headers += visit.response.raw_headers
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _query(self, text: bytes) -> dict[str, str]:
        if not text:
            return {}
        pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True)
        query = dict(pairs)
        if len(query) != len(pairs) or not query.keys() <= self._keys:
            raise Unusual()
        return query

    def _plan(self, dependant: Dependant) -> Need:
        """What has to be done for one function: the route's own, or a dependency's."""
        if dependant.call is None or not iscoroutinefunction(dependant.call) or _has_more(dependant):
            raise Unusual()
        call = dependant.call
        givers = [*self._of_path(dependant), *self._of_query(dependant), *_of_request(dependant)]
        needs = [(need.name, need.call, self._plan(need)) for need in dependant.dependencies]

        async def run(visit: _Visit) -> Any:
            values = {name: give(visit) for name, give in givers}
            done = visit.done
            for name, key, need in needs:
                if key in done:
                    told = done[key]
                else:
                    told = done[key] = await need(visit)
                if name is not None:
                    values[name] = told
            return await call(**values)

        return run

    def _of_path(self, dependant: Dependant) -> list[tuple[str, Giver]]:
        return [(field.name, _path_giver(field)) for field in dependant.path_params]

    def _of_query(self, dependant: Dependant) -> list[tuple[str, Giver]]:
        made = []
        for field in dependant.query_params:
            if _is_sequence_or_model(field.field_info.annotation):
                raise Unusual()
            chosen = field.field_info.validation_alias
            if chosen is None or isinstance(chosen, str):  # Of several names, one that comes makes it unusual.
                self._keys.add(chosen or field.alias)
            made.append((field.name, _query_giver(field, chosen if isinstance(chosen, str) else field.alias)))
        return made


def _path_giver(field: Any) -> Giver:
    name = field.alias
    if field.field_info.annotation is str and not field.field_info.metadata:
        return lambda visit: visit.path[name]
    return lambda visit: _valid(field, visit.path[name])


def _query_giver(field: Any, alias: str) -> Giver:
    required = field.field_info.is_required()
    default = None if required else field.get_default()
    known: dict[str, Any] = {}  # Small values come again and again: limit=50.

    def give(visit: _Visit) -> Any:
        text = visit.query.get(alias)
        if text is None:
            if required:
                raise Unusual()
            return default
        if text in known:
            return known[text]
        value = _valid(field, text)
        if len(text) <= 8 and len(known) < 256 and isinstance(value, int):
            known[text] = value
        return value

    return give


def _valid(field: Any, text: str) -> Any:
    value, errors = field.validate(text, {}, loc=())
    if errors:
        raise Unusual()
    return value


def _of_request(dependant: Dependant) -> list[tuple[str, Giver]]:
    names = (dependant.request_param_name, dependant.http_connection_param_name)
    made: list[tuple[str, Giver]] = [(name, lambda visit: visit.request) for name in names if name is not None]
    if dependant.response_param_name is not None:
        made.append((dependant.response_param_name, _response))
    return made


def _response(visit: _Visit) -> Response:
    """Where a handler may put headers; nothing else of it is looked at."""
    if visit.response is None:
        visit.response = Response.__new__(Response)
        visit.response.raw_headers = []
    return visit.response


def _has_more(dependant: Dependant) -> bool:
    return bool(
        dependant.header_params
        or dependant.cookie_params
        or dependant.body_params
        or dependant.websocket_param_name
        or dependant.background_tasks_param_name
        or dependant.security_scopes_param_name
        or not dependant.use_cache
    )


def _is_sequence_or_model(annotation: Any) -> bool:
    parts = get_args(annotation) or (annotation,)
    return get_origin(annotation) in (list, tuple, set, frozenset) or any(
        part in (list, tuple, set, frozenset) or (isinstance(part, type) and issubclass(part, BaseModel))
        for part in parts
    )


def _is_plain(route: APIRoute) -> bool:
    """Whether the answer goes out as the handler returns it: status 200, and no model that would change it."""
    return route.status_code in (None, 200) and route.response_model in (None, dict[str, Any], dict[str, str])


class Doors:
    """ASGI middleware that stands before FastAPI and takes the short way where there is one."""

    def __init__(self, app: FastAPI, directory: "Directory", on_refused: Refused | None = None) -> None:
        self._app = app
        self._directory = directory
        self._on_refused = on_refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        found = scope.get(SCOPE_KEY) or self._directory.find(scope)
        if found is None:
            await self._app(scope, receive, send)
            return
        door, path = found
        scope["app"] = self._app
        try:
            await door.enter(scope, receive, send, path)
        except Unusual:
            must_wait()
            await self._app(scope, receive, send)
        except RostrumError as error:
            answer = await refusal(scope, door.path, error, self._on_refused)
            await answer(scope, receive, send)


Found = tuple[Door, dict[str, str]]


class Directory:
    """All doors by the form of their paths."""

    def __init__(self, routes: Iterable[tuple[str, APIRoute]]) -> None:
        self._doors: dict[tuple[int, str | None, str | None], list[Door]] = {}
        for path, route in routes:
            if "GET" in (route.methods or ()) and ":" not in path:
                door = Door(path, route)
                self._doors.setdefault(_form(door.segments), []).append(door)

    def find(self, scope: Scope) -> Found | None:
        """The door of a GET and the parameters in its path; None where there is no short way."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        segments = scope["path"].split("/")
        if len(segments) < 2:
            return None
        second = segments[2] if len(segments) > 2 else None
        for form in ((len(segments), segments[1], second), (len(segments), segments[1], None)):
            for door in self._doors.get(form, ()):
                path = door.match(segments)
                if path is not None:
                    return (door, path) if door.is_short else None
        return None

    def coverage(self) -> Counter[bool]:
        """How many doors have a short way, and how many have none."""
        return Counter(door.is_short for doors in self._doors.values() for door in doors)


def _form(segments: list[str]) -> tuple[int, str | None, str | None]:
    """By what a path is looked up: its length and its first two segments, None for one that varies."""
    first, second = ([None if part.startswith("{") else part for part in segments[1:3]] + [None])[:2]
    return len(segments), first, second
