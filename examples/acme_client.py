#!/usr/bin/env python3
"""A whole ACME client in one file: certbot's ``acme`` speaks RFC 8555, dns01 does the DNS.

::

    pip install dns01-hook acme
    export DNS01_PROVIDER=rfc2136 RFC2136_NAMESERVER=192.0.2.53 RFC2136_TSIG_FILE=/etc/dns01/tsig.key
    ./acme_client.py https://acme-staging-v02.api.letsencrypt.org/directory /etc/ssl/example.org \\
        example.org '*.example.org'

leaves ``privkey.pem``, ``cert.pem`` and ``fullchain.pem`` in the folder, as ``dns01 deploy --from`` takes
them. Run it again to renew them: it keeps the key, which therefore matches the certificate at every
instant, and its account at the CA, one beside the folder for all that are there: CAs limit how many
accounts an address may register.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import josepy
import requests
from acme import challenges, crypto_util, errors, messages
from acme.client import ClientNetwork, ClientV2
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import dns01
from dns01.errors import HookError

PATIENCE = timedelta(minutes=5)  # for the CA to validate, and once more for it to issue


def main() -> None:
    parser = argparse.ArgumentParser(description="Get a certificate from an ACME CA by dns-01 challenges.")
    parser.add_argument("directory", help="URL of the CA's directory")
    parser.add_argument("folder", type=Path, help="where key and certificate are kept; the account beside it")
    parser.add_argument("domains", nargs="+", metavar="domain", help="example.org or *.example.org")
    parser.add_argument("--ca-file", help="whom to trust for the directory's own certificate (PEM)")
    arguments = parser.parse_args()
    try:
        arguments.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        acme = sign_in(arguments.directory, arguments.folder.absolute().parent, arguments.ca_file)
        key = certificate_key(arguments.folder / "privkey.pem")
        chain = issue(acme, crypto_util.make_csr(key, arguments.domains))
        write(arguments.folder / "cert.pem", leaf(chain), mode=0o644)
        write(arguments.folder / "fullchain.pem", chain, mode=0o644)
    except HookError as error:
        sys.exit(f"{error}\n{error.hint}")
    except (errors.Error, requests.RequestException, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(arguments.folder / "fullchain.pem")


def sign_in(directory: str, folder: Path, ca_file: str | None) -> ClientV2:
    """A client with the folder's account at this CA, which is registered if there is none yet."""
    file = folder / f"account-{urlsplit(directory).netloc}.json"
    account = json.loads(file.read_text()) if file.exists() else {}
    key = josepy.JWKEC.from_json(account["key"]) if account else josepy.JWKEC(key=new_key())
    network = ClientNetwork(key, alg=josepy.ES256, verify_ssl=ca_file or True, user_agent="dns01-example")
    acme = ClientV2(ClientV2.get_directory(directory, network), network)
    if account:
        network.account = messages.RegistrationResource(uri=account["url"], body=messages.Registration())
    else:
        terms = acme.directory.meta.terms_of_service
        print(f"Registering, which accepts the terms of service: {terms}", file=sys.stderr)
        registration = acme.new_account(messages.NewRegistration(terms_of_service_agreed=True))
        write(file, json.dumps({"url": registration.uri, "key": key.to_json()}))
    return acme


def issue(acme: ClientV2, csr: bytes) -> str:
    """Order, answer the challenges, finalise (RFC 8555 §7.4); returns the chain, leaf first."""
    order = acme.new_order(csr)
    answers, records = [], []
    for domain, challenge in dns_challenges(order):
        response, validation = challenge.response_and_validation(acme.net.key)
        answers.append((challenge, response))
        records.append(dns01.Challenge(domain, challenge.chall.encode("token"), validation))
    with dns01.published(records):  # every name server has all of them before the CA looks
        for challenge, response in answers:
            acme.answer_challenge(challenge, response)
        order = acme.poll_authorizations(order, datetime.now() + PATIENCE)
    chain: str = acme.finalize_order(order, datetime.now() + PATIENCE).fullchain_pem
    return chain


def dns_challenges(order: messages.OrderResource) -> list[tuple[str, messages.ChallengeBody]]:
    """The dns-01 challenge of every authorization that the CA does not hold already."""
    return [
        (authorization.body.identifier.value, challenge)
        for authorization in order.authorizations
        if authorization.body.status == messages.STATUS_PENDING
        for challenge in authorization.body.challenges
        if isinstance(challenge.chall, challenges.DNS01)
    ]


def leaf(chain: str) -> str:
    """The first certificate of the chain."""
    return "".join(chain.partition("-----END CERTIFICATE-----\n")[:2])


def certificate_key(file: Path) -> bytes:
    """The private key in PEM, made at the first run."""
    if not file.exists():
        pem = new_key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write(file, pem.decode())
    return file.read_bytes()


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def write(file: Path, text: str, mode: int = 0o600) -> None:
    """All of it or nothing, and never readable for others than ``mode`` says."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # made with 0600
    try:
        with open(descriptor, "w") as stream:
            os.fchmod(descriptor, mode)
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    main()
