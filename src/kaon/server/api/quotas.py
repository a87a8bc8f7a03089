"""`/v2.0/quotas`: a project's limits, by project id instead of an id of their own."""

from kaon.model import quotas as words
from kaon.model.errors.quotas import QuotaMissingTenant
from kaon.server.api import bodies
from kaon.server.api.asked import Answer, Asked
from kaon.server.api.faults import not_allowed, not_found
from kaon.server.control import quotas
from kaon.server.control.core import Caller, Core


def answer(core: Core, caller: Caller, asked: Asked) -> Answer:
    """The answer to a request below `/v2.0/quotas`."""
    match asked.path[2:]:
        case ():
            if asked.method == "POST":
                raise NotImplementedError("a quota is set by PUT")
            _only_get(asked)
            return Answer(200, {"quotas": quotas.index(core, caller)})
        case ("tenant" | "project" as word,):
            _only_get(asked)
            if not caller.project_id:
                raise QuotaMissingTenant
            return Answer(200, {word: {"tenant_id": caller.project_id, "project_id": caller.project_id}})
        case (project,):
            return _project(core, caller, asked, project)
        case (project, "default"):
            _only_get(asked)
            return Answer(200, {"quota": quotas.show_default(core, caller, project)})
        case (project, "details" | "details.json"):
            _only_get(asked)
            return Answer(200, {"quota": quotas.details(core, caller, project)})
        case _:
            raise not_found()


def _project(core: Core, caller: Caller, asked: Asked, project: str) -> Answer:
    if asked.method == "GET":
        return Answer(200, {"quota": quotas.show(core, caller, project)})
    if asked.method == "PUT":
        if len(project) > words.PROJECT_LENGTH:
            raise not_found()
        body = words.update_body(bodies.inside(bodies.parsed(asked.body), "quota"))
        return Answer(200, {"quota": quotas.update(core, caller, project, body)})
    if asked.method == "DELETE":
        quotas.delete(core, caller, project)
        return Answer(204)
    raise not_allowed("GET", "PUT", "DELETE")


def _only_get(asked: Asked) -> None:
    if asked.method != "GET":
        raise not_allowed("GET")
