"""The id in a [zone] section may be another zone's, which a relative name fits as well: whose it is, the
provider tells before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from contract import ZONES, validation
from contract_http import HttpCase
from fakes import FOREVER, Fake, Json, Status
from fakes.alidns import AliDns
from fakes.azure import Azure
from fakes.bunny import Bunny
from fakes.civo import Civo
from fakes.dnsimple import DNSimple
from fakes.dnsmadeeasy import KEY, DnsMadeEasy
from fakes.domeneshop import TOKEN, Domeneshop
from fakes.dynu import Dynu
from fakes.hetzner import Hetzner
from fakes.ionos import Ionos
from fakes.linode import Linode
from fakes.luadns import USER as LUADNS_USER
from fakes.luadns import LuaDns
from fakes.ns1 import Ns1
from fakes.oraclecloud import PEM, TENANCY, USER, OracleCloud
from fakes.rackspace import Rackspace
from fakes.selectel import ACCOUNT as SELECTEL_ACCOUNT
from fakes.selectel import PROJECT, Selectel
from fakes.selectel import USER as SELECTEL_USER
from fakes.tencentcloud import TencentCloud
from fakes.transip import ACCOUNT, TransIp, pem
from on_clouds import SECRET, SUBSCRIPTION

from dns01.errors import AuthRejected, ProviderError, ZoneNotFound
from dns01.hooks.challenge.placement import Placements
from dns01.hooks.challenge.publisher import Records
from dns01.hooks.clients.challenge import Challenge
from dns01.hooks.clients.process import this_process
from dns01.hooks.config.load import load_settings
from dns01.hooks.state.journal import Journal
from dns01.providers.base import ChecksIds, Zone

APEX, OTHER = "example.com", "example.co.uk"

SERVICE_USER = {
    "user": SELECTEL_USER,
    "password": Selectel.token,
    "account": SELECTEL_ACCOUNT,
    "project_id": PROJECT,
}

# Those that the id is but a name or a path to are asked nothing.
TELL_BY_THEMSELVES: Mapping[str, tuple[type[Fake], Mapping[str, str]]] = {
    "alidns": (AliDns, {"access_key": AliDns.key, "secret_key": AliDns.token}),
    "azure": (Azure, {"subscription_id": SUBSCRIPTION, **SECRET}),
    "tencentcloud": (TencentCloud, {"secret_id": TencentCloud.id, "secret_key": TencentCloud.token}),
    "transip": (TransIp, {"account": ACCOUNT, "private_key": pem()}),
}
ASKED: Mapping[str, tuple[type[Fake], Mapping[str, str]]] = {
    "bunny": (Bunny, {"key": Bunny.token}),
    "civo": (Civo, {"token": Civo.token}),
    "dnsimple": (DNSimple, {"token": DNSimple.token, "account_id": "1010"}),
    "dnsmadeeasy": (DnsMadeEasy, {"key": KEY, "secret_key": DnsMadeEasy.token}),
    "domeneshop": (Domeneshop, {"token": TOKEN, "secret": Domeneshop.token}),
    "dynu": (Dynu, {"token": Dynu.token}),
    "hetzner": (Hetzner, {"token": Hetzner.token}),
    "ionos": (Ionos, {"key": f"prefix.{Ionos.token}"}),
    "linode": (Linode, {"token": Linode.token}),
    "luadns": (LuaDns, {"user": LUADNS_USER, "token": LuaDns.token}),
    "ns1": (Ns1, {"key": Ns1.token}),
    "oraclecloud": (OracleCloud, {"region": "r", "tenancy": TENANCY, "user": USER, "private_key": PEM}),
    "rackspace": (Rackspace, {"user": Rackspace.user, "api_key": Rackspace.token}),
    "selectel": (Selectel, SERVICE_USER),
}
KINDS = {**TELL_BY_THEMSELVES, **ASKED}


@pytest.fixture(params=KINDS)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpCase]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    kind, options = KINDS[request.param]
    with kind(ZONES) as fake:
        host = fake.url.removesuffix(fake.prefix)
        places = {"authority": fake.url, "auth_url": f"{host}/identity/v3"}
        if request.param == "rackspace":
            places["base_url"] = f"{fake.url}/v2.0"
        yield HttpCase(request.param, fake, {**options, **places})


def id_of(case: HttpCase, apex: str) -> str:
    """The provider's own word for a zone, none of whose questions is counted."""
    id = case.provider().zone_for(apex).id
    case.fake.requests.clear()
    return id


def records(case: HttpCase, folder: Path, id: str) -> tuple[Records, Placements]:
    """What publishes for the zone APEX, whose section has the id."""
    file = folder / "config.toml"
    section = f'[zone."{APEX}"]\nid = "{id}"\nnameservers = ["192.0.2.53"]\n'
    file.write_text(f'[account.web]\nprovider = "memory"\nzones = "{APEX}"\n{section}')
    settings = load_settings({"DNS01_CONFIG": str(file), "DNS01_STATE_DIR": str(folder)})
    provider = case.provider()
    places = Placements(settings, lambda account: provider)
    return Records(Journal(folder), lambda: places, this_process()), places


def checked(case: HttpCase, id: str) -> None:
    provider = case.provider()
    assert isinstance(provider, ChecksIds)
    provider.check_id(Zone(APEX, id))


def test_the_id_of_another_zone_is_told_and_nothing_is_written_or_remembered(
    case: HttpCase, tmp_path: Path
) -> None:
    id = id_of(case, OTHER)
    publisher, places = records(case, tmp_path, id)
    challenges = [Challenge(f"{host}.{APEX}", "token", validation(host)) for host in ("a", "b", "c")]

    def publish() -> None:
        publisher.publish(challenges, places.find([each.name for each in challenges]))

    error = case.error_of(publish)

    assert isinstance(error, ZoneNotFound)
    assert error.definite
    assert f"the id {id} that is configured for the zone {APEX} belongs to the zone {OTHER}" in str(error)
    assert f'correct `id` in [zone."{APEX}"]' in error.hint
    assert [zone.apex for zone in case.fake.zones.values() if zone.records] == []
    assert Journal(tmp_path).entries() == []


@pytest.mark.parametrize("apex", [APEX, OTHER])
def test_whose_it_is_is_asked_once_and_not_for_each_name(case: HttpCase, tmp_path: Path, apex: str) -> None:
    _, places = records(case, tmp_path, id_of(case, apex))

    for number in range(20):
        with suppress(ZoneNotFound):
            places.find([f"_acme-challenge.host{number}.{APEX}"])

    questions = [each for each in case.fake.requests if not each.path.endswith("/tokens")]
    assert len(questions) == (1 if case.name in ASKED else 0)


def test_the_zone_s_own_id_is_published_in(case: HttpCase, tmp_path: Path) -> None:
    publisher, places = records(case, tmp_path, id_of(case, APEX))
    challenge = Challenge(f"www.{APEX}", "token", validation("a"))

    publisher.publish([challenge], places.find([challenge.name]))

    assert case.world_sees(challenge.name) == {challenge.validation}


def test_an_id_that_is_no_zone_s_is_told_by_its_key(case: HttpCase) -> None:
    error = case.error_of(lambda: checked(case, "4815162342"))

    assert isinstance(error, ZoneNotFound)
    assert "the id 4815162342 that is configured" in str(error)
    assert f'`id` in [zone."{APEX}"]' in error.hint


@pytest.mark.parametrize("case", ASKED, indirect=True)
@pytest.mark.parametrize("status", [401, 403])
def test_an_id_that_the_credentials_may_not_see_is_told_by_its_key(case: HttpCase, status: int) -> None:
    id = id_of(case, APEX)
    case.fake.fail(Status(status, times=FOREVER))

    error = case.error_of(lambda: checked(case, id))

    assert isinstance(error, AuthRejected)
    assert error.definite
    assert f"the id {id} that is configured for the zone {APEX}" in str(error)
    assert f'`id` in [zone."{APEX}"]' in error.hint


@pytest.mark.parametrize("case", ASKED, indirect=True)
@pytest.mark.parametrize(
    "answer", [{}, [], None, {"name": None, "domain": 5, "Domain": {}, "zone": [], "data": {}}]
)
def test_an_answer_of_another_shape_is_no_permission_to_write(case: HttpCase, answer: object) -> None:
    id = id_of(case, APEX)
    case.fake.fail(Json(answer, times=FOREVER))

    assert isinstance(case.error_of(lambda: checked(case, id)), ProviderError)
