"""README's quick start, block by block as printed, on Debian's files of BIND and dehydrated.

What it writes under /etc, /var/lib and /opt goes into an overlay in a mount namespace.
"""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from readme import README, append, block
from testbed import TIME_LIMIT

from dns01.errors import ConfigError
from dns01.hooks.config.load import load_settings

DNS01 = Path(sys.executable).with_name("dns01")
ZONE = """\
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.53
"""
NAMESPACE = """\
set -eu
ip link set lo up
ip addr add 192.0.2.53/32 dev lo
mount -t tmpfs none /mnt
for folder in etc var/lib opt; do
    upper=/mnt/upper/$folder work=/mnt/work/$folder
    mkdir -p $upper $work
    mount -t overlay overlay -o lowerdir=/$folder,upperdir=$upper,workdir=$work /$folder
done
mkdir -p /opt/dns01/bin
ln -s {DNS01} /opt/dns01/bin/dns01
cat >/etc/bind/db.example.org <<'END'
{ZONE}END
"""


def run(*steps: str) -> str:
    """What the steps print, one after the other in one shell; the first that fails ends it."""
    script = NAMESPACE.format(DNS01=DNS01, ZONE=ZONE) + "\n".join(steps)
    done = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", script],
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


NAMED = (
    "named -f -u bind &",
    "until dig +short +tries=1 @192.0.2.53 example.org SOA | grep -q ^ns; do sleep 0.1; done",
)
PLAIN_ZONE = 'zone "example.org" { type master; file "/etc/bind/db.example.org"; };\n'
SHORT = "--client dehydrated"


@pytest.fixture(scope="module")
def bind() -> str:
    """All that README has for BIND, and a BIND that runs as Debian's does."""
    return "\n".join(
        (
            block("(umask"),
            append("/etc/bind/named.conf.local", block("include")),
            "named-checkconf -z >/dev/null",
            *NAMED,
        )
    )


DEHYDRATED = append("/etc/dehydrated/config", block("CA="))
ACCOUNT = block("install -d") + append("/etc/dns01/config.toml", block("[account.own]"))
CHALLENGE = (
    append(
        "/etc/dns01/config.toml", '[zone."example.org"]\nnameservers = ["192.0.2.53"]\n'
    ),  # no other is there
    ". /etc/dehydrated/config",
    "export DNS01_RESOLVERS=192.0.2.53 DNS01_DOH=",
    "$HOOK deploy_challenge example.org token 0123456789012345678901234567890123456789012",
    "dig +short @192.0.2.53 _acme-challenge.example.org TXT",
)


def test_what_is_set_up_by_hand_for_bind_and_dehydrated_publishes_a_challenge(bind: str) -> None:
    said = run(bind, ACCOUNT, DEHYDRATED, *CHALLENGE, "stat -c '%U %a' /etc/dns01 /etc/dns01/tsig.key")
    assert said.splitlines() == ['"0123456789012345678901234567890123456789012"', "root 700", "root 600"]


def test_the_short_way_publishes_a_challenge_from_a_zone_as_debian_has_it() -> None:
    staging, production = (block(f"dns01 init {line}").strip() for line in (SHORT, f"{SHORT} --production"))
    unattended = "--bind --no-doctor --yes --no-order >/dev/null"
    said = run(
        append("/etc/bind/named.conf.local", PLAIN_ZONE),
        *NAMED,
        f"/opt/dns01/bin/{staging} {unattended}",
        f"/opt/dns01/bin/{production} {unattended}",
        *CHALLENGE,
        'echo "$CA"',
        "grep -c 'root out=$(dehydrated --cron) ||' /etc/cron.d/dehydrated",
        "rndc stop",
    )
    value = '"0123456789012345678901234567890123456789012"'
    assert said.splitlines() == [value, "letsencrypt", "1"]


def test_bind_may_read_its_key_and_nobody_else(bind: str) -> None:
    assert run(bind, "stat -c '%U %G %a' /etc/bind/dns01.key") == "root bind 640\n"


def test_debian_s_dehydrated_keeps_its_folder() -> None:
    said = run(DEHYDRATED, "dehydrated --env")
    assert 'LOCKFILE="/var/lib/dehydrated/lock"' in said
    assert 'HOOK="/opt/dns01/bin/dns01"' in said


def test_the_file_for_certbot_is_a_whole_configuration(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    key = tmp_path / "tsig.key"
    key.write_text('key "dns01" {\n\talgorithm hmac-sha256;\n\tsecret "c2VjcmV0IHNlY3JldCBzZWNyZXQ=";\n};\n')
    file.write_text(block("[account.own]").replace("/etc/dns01/tsig.key", str(key)))
    settings = load_settings({"DNS01_CONFIG": str(file), "DNS01_STATE_DIR": str(tmp_path)})
    assert [each.name for each in settings.accounts_for("example.org")] == ["own"]


def test_certbot_s_renewal_without_an_account_is_told_the_same_lines() -> None:
    with pytest.raises(ConfigError) as error:
        load_settings({"DNS01_CONFIG": "", "CERTBOT_DOMAIN": "example.org"})
    first, *lines = error.value.hint.splitlines()
    assert first == (
        "certbot keeps no variables for renewals: write /etc/dns01/config.toml (chmod 600), for example:"
    )
    assert textwrap.dedent("\n".join(lines)).strip() == block("[account.own]").strip()


def test_every_path_of_the_checkout_that_it_names_is_there() -> None:
    root = Path(__file__).parent.parent
    named = set(re.findall(r"``((?:[a-z]+/)+[a-z0-9_]+\.(?:rst|py))``|``([A-Z]+\.rst)``", README))
    paths = {first or second for first, second in named}
    assert "docs/deploy.rst" in paths
    assert [path for path in paths if not (root / path).is_file()] == []
