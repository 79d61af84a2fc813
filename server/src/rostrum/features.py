"""The list of features: each contributes its REST routes and its signals; importing this file loads every table."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter

from rostrum.audit.routes import audit_router
from rostrum.auth import routes as auth_routes
from rostrum.auth.dependencies import admin
from rostrum.chat import ChatSignals
from rostrum.chat import routes as chat_routes
from rostrum.files import routes as files_routes
from rostrum.live import LiveSignals
from rostrum.meetings import routes as meetings_routes
from rostrum.rooms import routes as rooms_routes
from rostrum.services import Services
from rostrum.sfu import SfuSignals
from rostrum.tenants.features import features_of


@dataclass(frozen=True)
class Feature:
    """One feature's doors.

    Attributes:
        routers: paths of the original contract; they exist as they are and under /v1 as well.
        v1_routers: paths that exist under /v1 alone.
        signals: registers the feature's socket events.
        large_bodies: regular expression of the paths, without /v1, that take a file instead of a small body.
    """

    name: str
    routers: tuple[APIRouter, ...] = ()
    v1_routers: tuple[APIRouter, ...] = ()
    signals: Callable[[Services], None] | None = None
    large_bodies: str = ""


def _live(services: Services) -> None:
    LiveSignals(services.live, services.stage, services.reactions).register(services.realtime)


def _sfu(services: Services) -> None:
    SfuSignals(services.sfu, services.live, services.stage).register(services.realtime)


def _chat(services: Services) -> None:
    ChatSignals(services.chat, services.live, features_of).register(services.realtime)


FEATURES = (
    Feature("audit", v1_routers=(audit_router(admin),)),
    Feature("auth", (auth_routes.router,), (auth_routes.v1_router,)),
    Feature("rooms", (rooms_routes.router,), (rooms_routes.v1_router,)),
    Feature("meetings", (meetings_routes.router,), (meetings_routes.v1_router,)),
    Feature("files", (files_routes.router,), large_bodies=files_routes.LARGE_BODIES),
    Feature("live", signals=_live),
    Feature("sfu", signals=_sfu),
    Feature("chat", v1_routers=(chat_routes.v1_router,), signals=_chat),
)
