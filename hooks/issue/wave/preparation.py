"""What can be known before anything is ordered: where each record goes, whether CAA allows it, whether the
certificate can be kept, and whether a request of one's own is for its names.

What cannot succeed is set aside with its reason, and costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ....errors import CaaForbids, ConfigError, HookError
from ...caa.evaluation import Verdict, check
from ...caa.issuers import Issuer
from ...caa.preflight import Lookups, is_binding
from ...challenge.placement import Placements
from ...clients.challenge import owner_name
from ...config.settings import Settings, ZoneRule
from ..acme.csr import read_csr
from ..files import check_place
from ..inventory.read import WantedCertificate

WORKERS = 8
CAA_TIMEOUT, CAA_TIMEOUT_PER_NAME = 5.0, 0.05  # seconds: what is not known by then stays unknown


def with_zones(
    settings: Settings, certificates: Iterable[WantedCertificate]
) -> tuple[Settings, dict[str, HookError]]:
    """The settings, with the accounts and zone ids that the certificates' own rows give; and why some
    cannot be had, by name: an earlier row says otherwise about the same zone.

    What a ``[zone]`` of the configuration says goes before.
    """
    rules: dict[str, tuple[ZoneRule, WantedCertificate]] = {}
    failed: dict[str, HookError] = {}
    for wanted in certificates:
        apexes = [wanted.zone] if wanted.zone else [name.removeprefix("*.") for name in wanted.names]
        for apex in apexes if wanted.accounts or wanted.zone_id else ():
            rule = ZoneRule(apex, wanted.accounts, wanted.zone_id, (), None, {})
            first, by = rules.setdefault(apex, (rule, wanted))
            if first != rule:
                failed[wanted.name] = ConfigError(
                    f"{by.where} and {wanted.where} disagree about the account or the id of {apex}",
                    f'write [zone."{apex}"] into the configuration, which goes before both',
                )
    given = {apex: rule for apex, (rule, _) in rules.items()}
    merged = [_merged(rule, given.pop(rule.apex, None)) for rule in settings.zones]
    return replace(settings, zones=(*merged, *given.values())), failed


def _merged(rule: ZoneRule, row: ZoneRule | None) -> ZoneRule:
    return rule._replace(accounts=rule.accounts or row.accounts, id=rule.id or row.id) if row else rule


def set_aside(
    certificates: Sequence[WantedCertificate], places: Placements, issuer: Issuer
) -> dict[str, HookError]:
    """The certificates that cannot succeed, by name, each with the reason. ``places`` knows the others' from
    then on."""
    failed = _unplaced(certificates, places)
    rest = [wanted for wanted in certificates if wanted.name not in failed]
    return failed | _forbidden(rest, places, issuer)


def without_files(certificates: Iterable[WantedCertificate], folder: str) -> dict[str, HookError]:
    """The certificates that could not be kept once they are issued, or whose own request could not be sent
    then, by name, each with the reason."""
    failed: dict[str, HookError] = {}
    for wanted in certificates:
        try:
            check_place(folder, wanted.name)
            if wanted.csr:
                read_csr(wanted.csr, wanted.names)
        except HookError as error:
            failed[wanted.name] = error
    return failed


def challenge_names(wanted: WantedCertificate) -> list[str]:
    """The owner names of the certificate's challenges, each once."""
    return list(dict.fromkeys(owner_name(name) for name in wanted.names))


def _unplaced(certificates: Sequence[WantedCertificate], places: Placements) -> dict[str, HookError]:
    """All names at once; only where that fails, each by itself."""
    names = list(dict.fromkeys(name for wanted in certificates for name in challenge_names(wanted)))
    try:
        places.find(names)
        return {}
    except HookError:
        errors: dict[str, HookError] = {}

        def find(name: str) -> None:
            try:
                places.find([name])
            except HookError as error:
                errors[name] = error

        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(find, names))
    return {
        wanted.name: next(errors[name] for name in challenge_names(wanted) if name in errors)
        for wanted in certificates
        if errors.keys() & set(challenge_names(wanted))
    }


def _forbidden(
    certificates: Sequence[WantedCertificate], places: Placements, issuer: Issuer
) -> dict[str, HookError]:
    if not issuer.names:
        return {}
    every = {name for wanted in certificates for name in wanted.names}
    verdicts: dict[str, Verdict] = {}
    for discovery, challenges in places.names_by_discovery(map(owner_name, every)).items():
        if is_binding(issuer, discovery):
            names = [name for name in every if owner_name(name) in challenges]
            lookups = Lookups(discovery, names, CAA_TIMEOUT + CAA_TIMEOUT_PER_NAME * len(names))
            verdicts |= {name: check(name, issuer, lookups) for name in names}
    found: dict[str, HookError] = {}
    for certificate in certificates:
        own = [verdicts[name] for name in certificate.names if name in verdicts]
        forbidden = [verdict for verdict in own if verdict.outcome == "forbidden"]
        if forbidden:
            reasons = dict.fromkeys(f"{each.identifier}: {each.reason}" for each in forbidden)
            steps = dict.fromkeys(step for each in forbidden for step in each.remedy)
            found[certificate.name] = CaaForbids(
                f"the CA would refuse {'; '.join(reasons)}", "; ".join(steps)
            )
    return found
