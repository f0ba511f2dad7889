"""Declaring over HTTP: what has another form is refused, and what belongs to others stays out of reach."""

from typing import Any

import pytest

from tests.process.server import Api, Server


@pytest.fixture(scope="module")
def tenant(server: Server) -> Api:
    server.run("workspaces", "create", "renter")
    return Api(server, server.key("admin", workspace="renter"))


def declare(api: Api, **document: Any) -> Any:
    return api("POST", "/v1/apply", {"document": document})


SANDBOX = {"kind": "sandbox"}
HERE = "http://127.0.0.1:9/"
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"conectors": {"a": SANDBOX}}, "Did you mean 'connectors'?"),
    ({"connectors": [SANDBOX]}, "/document/connectors"),
    ({"connectors": {"a": "sandbox"}}, "/document/connectors/a"),
    ({"connectors": {"a": {}}}, "/document/connectors/a/kind"),
    ({"connectors": {"a": SANDBOX | {"window": "many"}}}, "/document/connectors/a/window"),
    ({"connectors": {"a": SANDBOX | {"price_per_segment": "cheap"}}}, "/document/connectors/a/price_per_segment"),
    ({"connectors": {"a": SANDBOX | {"widow": 5}}}, "/document/connectors/a/widow"),
    ({"connectors": {"a": SANDBOX | {"workspace": 7}}}, "/document/connectors/a"),
    ({"routes": {"a": {"via": ["quick"]}}}, "/document/routes"),
    ({"routes": [{"via": "quick"}]}, "/document/routes/0/via"),
    ({"routes": [{"via": []}]}, "/document/routes/0/via"),
    ({"routes": [{"via": ["nowhere"]}]}, "/document/routes/0/via/0"),
    ({"routes": [{"via": ["quick"], "match": ["DE"]}]}, "/document/routes/0/match"),
    ({"routes": [{"via": ["quick"], "match": {"county": "DE"}}]}, "Did you mean 'country'?"),
    ({"routes": [{"via": ["quick"], "match": {"share": 2}}]}, "/document/routes/0/match/share"),
    ({"routes": [{"via": ["quick"], "match": {"kind": "advert"}}]}, "/document/routes/0/match/kind"),
    ({"senders": {"Acme": {"countries": 44}}}, "/document/senders/Acme/countries"),
    ({"senders": {"Acme": {"type": "fancy"}}}, "/document/senders/Acme/type"),
    ({"senders": {"much too long for one": {}}}, "/document/senders"),
    ({"senders": {"Shop": {}, "+12025550101": {"pool": "Shop"}}}, "/document/senders/+12025550101/pool"),
    ({"senders": {"+12025550101": {"pool": "Acme"}}}, "/document/senders/+12025550101/pool"),
    ({"senders": {"+12025550101": {"pool": "no pool"}}}, "/document/senders/+12025550101/pool"),
    ({"senders": {"+12025550101": {"registration": {"US": "perhaps"}}}}, "/document/senders/+12025550101/registration"),
    ({"senders": {"+12025550101": {"unregistered": "ignore"}}}, "/document/senders/+12025550101/unregistered"),
    ({"senders": {"+12025550101": {"day_zone": "America/Gotham"}}}, "/document/senders/+12025550101/day_zone"),
    ({"endpoints": {"a": {}}}, "/document/endpoints/a/url"),
    ({"endpoints": {"a": {"url": 5}}}, "/document/endpoints/a/url"),
    ({"endpoints": {"a": {"url": HERE, "max_in_flight": "x"}}}, "/document/endpoints/a/max_in_flight"),
    ({"endpoints": {"a": {"url": HERE, "events": "message.sent"}}}, "/document/endpoints/a/events"),
    ({"endpoints": {"a": {"url": HERE, "environment": "nowhere"}}}, "/document/endpoints/a/environment"),
    ({"endpoints": {"a": {"url": HERE, "secret": "short"}}}, "/document/endpoints/a/secret"),
    ({"endpoints": {"a": {"url": HERE, "secret": "env:NOT_SET_ANYWHERE"}}}, "/document/endpoints/a/secret"),
]


@pytest.mark.parametrize(("document", "told"), WRONG, ids=[told for _, told in WRONG])
def test_a_wrong_form_is_refused_with_its_place_and_nothing_is_kept(
    admin: Api, document: dict[str, Any], told: str
) -> None:
    before = admin("GET", "/v1/declared").json()
    answer = declare(admin, **document, **({} if "senders" in document else {"senders": {"Good": {}}}))
    assert 400 <= answer.status_code < 500, answer.text
    assert told in answer.text
    assert admin("GET", "/v1/declared").json() == before


def test_connectors_are_the_operators_to_declare(admin: Api, tenant: Api) -> None:
    for name in ("quick", "own"):
        refused = declare(tenant, connectors={name: SANDBOX})
        assert (refused.status_code, refused.json()["code"]) == (403, "foreign_workspace")
    assert declare(admin, connectors={"quick": {**SANDBOX, "workspace": "renter"}}).status_code in (403, 409)


@pytest.mark.parametrize("secret", ["env:PATH", "file:/etc/hostname", "sealed:abc"])
def test_a_tenant_learns_nothing_of_the_machine(tenant: Api, secret: str) -> None:
    refused = declare(tenant, endpoints={"spy": {"url": HERE, "secret": secret}})
    assert (refused.status_code, refused.json()["code"]) == (403, "bad_secret")
    refused = tenant("POST", "/v1/endpoints", {"name": "spy", "url": HERE, "secret": secret})
    assert (refused.status_code, refused.json()["code"]) == (403, "bad_secret")


def test_a_tenants_route_leads_through_what_is_there_for_all(server: Server, tenant: Api) -> None:
    assert declare(tenant, routes=[{"name": "mine", "via": ["quick"]}]).status_code == 200
    live = Api(server, server.key("messages:send", "messages:read", workspace="renter", environment="live"))
    assert live.until(live.send()["id"], "delivered")["connector"] == "quick"
