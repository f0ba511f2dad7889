"""Workspaces and their environments."""

from typing import Final

import msgspec

from heliograph.api.routes import Request, Route, operator_only
from heliograph.engine import environments
from heliograph.engine.clients import ADMIN, CreatedKey, create_key
from heliograph.engine.environments import Environment, Workspace


class NewWorkspace(msgspec.Struct, forbid_unknown_fields=True):
    """A workspace as it is to be."""

    name: str


class CreatedWorkspace(msgspec.Struct):
    """A new workspace and the key that administers it, shown this once."""

    name: str
    created_at: str
    admin_key: CreatedKey


class WorkspaceList(msgspec.Struct):
    """The workspaces of this gateway."""

    data: list[Workspace]


class NewEnvironment(msgspec.Struct, forbid_unknown_fields=True):
    """An environment as it is to be."""

    name: str
    mode: str = "guarded"
    allowlist: list[str] = []


class Allowlist(msgspec.Struct, forbid_unknown_fields=True):
    """The recipients that a guarded environment may reach."""

    allowlist: list[str]


class EnvironmentList(msgspec.Struct):
    """The environments of the workspace."""

    data: list[Environment]


# -- workspaces


async def all_workspaces(request: Request) -> WorkspaceList:
    operator_only(request)
    return WorkspaceList(await environments.list_workspaces(request.context.ledger))


async def new_workspace(request: Request) -> CreatedWorkspace:
    operator_only(request)
    ledger = request.context.ledger
    made = await environments.create_workspace(
        ledger, request.body.name, seal=request.context.seal, actor=request.actor, now=request.now
    )
    key = await create_key(
        ledger,
        workspace=made.name,
        name="administrator",
        environment="live",
        scopes=[ADMIN],
        actor=request.actor,
    )
    await request.context.reload()
    return CreatedWorkspace(made.name, made.created_at, key)


# -- environments


async def all_environments(request: Request) -> EnvironmentList:
    return EnvironmentList(await environments.list_environments(request.context.ledger, request.client.workspace))


async def new_environment(request: Request) -> Environment:
    asked: NewEnvironment = request.body
    made = await environments.create_environment(
        request.context.ledger,
        request.client.workspace,
        asked.name,
        mode=asked.mode,
        allowlist=asked.allowlist,
        seal=request.context.seal,
        actor=request.actor,
        now=request.now,
    )
    await request.context.reload()
    return made


async def set_allowlist(request: Request) -> Environment:
    changed = await environments.set_allowlist(
        request.context.ledger,
        request.client.workspace,
        request.place["name"],
        request.body.allowlist,
        actor=request.actor,
        now=request.now,
    )
    await request.context.reload()
    return changed


ROUTES: Final = (
    Route("GET", "/v1/workspaces", all_workspaces, ADMIN, answer=WorkspaceList, summary="List workspaces"),
    Route(
        *("POST", "/v1/workspaces", new_workspace, ADMIN),
        body=NewWorkspace,
        answer=CreatedWorkspace,
        status=201,
        summary="Add a workspace, with its first key",
    ),
    Route("GET", "/v1/environments", all_environments, ADMIN, answer=EnvironmentList, summary="List environments"),
    Route(
        *("POST", "/v1/environments", new_environment, ADMIN),
        body=NewEnvironment,
        answer=Environment,
        status=201,
        summary="Add an environment",
    ),
    Route(
        *("PATCH", "/v1/environments/{name}", set_allowlist, ADMIN),
        body=Allowlist,
        answer=Environment,
        summary="Change its allowlist",
    ),
)
