"""The list of features: each contributes its REST routes and its signals; importing this file loads every table."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter

from rostrum.auth import routes as auth_routes
from rostrum.rooms import routes as rooms_routes
from rostrum.services import Services


@dataclass(frozen=True)
class Feature:
    """One feature's doors.

    Attributes:
        routers: paths of the original contract; they exist as they are and under /v1 as well.
        v1_routers: paths that exist under /v1 alone.
        signals: registers the feature's socket events.
    """

    name: str
    routers: tuple[APIRouter, ...] = ()
    v1_routers: tuple[APIRouter, ...] = ()
    signals: Callable[[Services], None] | None = None


FEATURES = (
    Feature("auth", (auth_routes.router,), (auth_routes.v1_router,)),
    Feature("rooms", (rooms_routes.router,), (rooms_routes.v1_router,)),
)
