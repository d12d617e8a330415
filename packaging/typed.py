"""What is typed on the bare Debian of ``trial.py``: installations, name server, CA, order."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from readme import append, block  # noqa: E402

SERVERS = "bind9 bind9-dnsutils curl openssl pebble"  # in the place of other machines
LOCAL = "/usr/local/bin/dns01"
ANSIBLE = (ROOT / ".venv-ansible").resolve()
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


class Step(NamedTuple):
    """A shell script for the bare system; only with ``online`` it has a network."""

    script: str
    online: bool = False


ENTER = """\
base=$1 dist=$2
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$base,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
mount -t proc proc /mnt/root/proc
mount --rbind /dev /mnt/root/dev
mkdir -p /mnt/root/root/dns01/dist
mount --bind -o ro "$dist" /mnt/root/root/dns01/dist
mkdir -p /mnt/root/root/dns01/ansible && mount --bind -o ro "$3" /mnt/root/root/dns01/ansible
mkdir -p /mnt/root/root/dns01/packaging && mount --bind -o ro "$4" /mnt/root/root/dns01/packaging
mount --bind -o ro "$base" /mnt/root/srv
touch /mnt/net
unshare --net=/mnt/net sh -c 'ip link set lo up && ip address add 192.0.2.53/32 dev lo'
"""
MOUNT = "mkdir -p /mnt/root{folder} && mount --bind -o ro {folder} /mnt/root{folder}\n"
ENVIRONMENT = (
    "env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "
    "TERM=dumb DEBIAN_FRONTEND=noninteractive {more} bash -euo pipefail -c"
)
ONLINE = "PIP_CERT=/root/ca.crt SSL_CERT_FILE=/root/ca.crt"
BASE = f"""\
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
echo 'APT::Get::Assume-Yes "true"; quiet "1";' >/etc/apt/apt.conf.d/50trial
apt-get update
apt-get install --no-install-recommends {SERVERS} >/dev/null
apt-get clean
! command -v python3
"""
PEBBLE = """\
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000",
 "certificate": "/root/ca/cert.pem", "privateKey": "/root/ca/key.pem", "httpPort": 80, "tlsPort": 443}}
"""
ZONE = "$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n"
CA = f"""\
mkdir -p /root/ca /etc/ssl/certs && cd /root/ca
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 9 \
    -subj /CN=ca -addext subjectAltName=IP:127.0.0.1 2>/dev/null
cat cert.pem >>{CERTIFICATES}
mkdir -p /usr/local/share/ca-certificates && cp cert.pem /usr/local/share/ca-certificates/trial.crt
{append("config.json", PEBBLE)}
PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 PEBBLE_AUTHZREUSE=0 \
    pebble -strict=false -config config.json -dnsserver 192.0.2.53:53 >log 2>&1 &
for try in $(seq 100); do curl -s https://127.0.0.1:15000/roots/0 >root.pem && break; sleep 0.2; done
grep -q CERTIFICATE root.pem || {{ cat log; exit 1; }}
"""
BIND = f"""\
{append("/etc/bind/db.example.org", ZONE)}
{block("(umask")}
{append("/etc/bind/named.conf.local", block("include"))}
named-checkconf -z >/dev/null && named -u bind
for try in $(seq 100); do
    dig +short +tries=1 @192.0.2.53 example.org SOA | grep -q ^ns && break
    sleep 0.2
done
"""
PRIVATE = '[zone."example.org"]\nnameservers = ["192.0.2.53"]\n'  # nobody's public DNS leads there
INIT = f"""\
dns01 init --client dehydrated --ca https://127.0.0.1:14000/dir --no-doctor --yes \\
    example.org '*.example.org'
{append("/etc/dns01/config.toml", PRIVATE)}
grep -rh '^HOOK=' /etc/dehydrated | tail -1 | tee /dev/stderr | grep -qF '"{{hook}}"'
dehydrated --register --accept-terms
"""
ORDER = """\
export DNS01_RESOLVERS=192.0.2.53 DNS01_DOH=
dehydrated -c -x
cd /var/lib/dehydrated/certs/example.org
curl -s https://127.0.0.1:15000/roots/0 >/root/ca/root.pem
openssl verify -CAfile /root/ca/root.pem -untrusted chain.pem cert.pem
openssl x509 -in cert.pem -noout -ext subjectAltName | grep -F '*.example.org'
[ ! "$(dig +short @192.0.2.53 _acme-challenge.example.org TXT)" ]
"""


CLIENT = "command -v dehydrated >/dev/null || apt-get install dehydrated"


def way(section: str, hook: str, *more: str, before: str = "") -> list[Step]:
    """What this section of docs/install.rst has, and a certificate; ``more``: what else is seen to."""
    return [
        Step(f"{before}\n{commands(section)}\n{CLIENT}", online=True),
        Step(CA + BIND),
        Step(INIT.format(hook=hook)),
        Step(ORDER),
        *(Step(script, online="apt-get" in script) for script in more),
    ]


def commands(section: str) -> str:
    """What docs/install.rst has the administrator type."""
    _, _, text = (ROOT / "docs" / "install.rst").read_text().partition(f"\n\n{section}\n--")
    found = re.search(r"code-block:: bash\n\n((?:    .*\n|\n)+)", text)
    assert found, f"docs/install.rst has no commands in {section}"
    return textwrap.dedent(found[1])


UV = "apt-get install pipx && PIPX_BIN_DIR=/usr/local/bin pipx install uv"  # which Debian 12 has not
OLDER = """\
dpkg-deb -R dist/dns01_*_"$(dpkg --print-architecture)".deb /root/older
sed -i 's/^Version: .*/Version: 0~older/' /root/older/DEBIAN/control
touch /root/older/opt/dns01/lib/dns01/gone.py
dpkg-deb -Znone -b /root/older /root/older.deb >/dev/null
apt-get install /root/older.deb
test -e /opt/dns01/lib/dns01/gone.py
"""
UPGRADED = """\
test ! -e /opt/dns01/lib/dns01/gone.py
dpkg --verify dns01
test "$(stat -c %a /etc/dns01 /var/lib/dns01 | uniq)" = 700
zcat /usr/share/man/man1/dns01.1.gz /usr/share/man/man5/dns01.toml.5.gz | grep -c '^.SH'
"""
NEXT_DEBIAN = """\
sed -i 's/bookworm/trixie/' /etc/apt/sources.list
apt-get update
apt-get -o Dpkg::Options::=--force-confold full-upgrade
"""
NEXT_PYTHON = """\
python3 -c 'import sys; print(sys.version_info); assert sys.version_info >= (3, 13)'
find /opt/dns01 -name '*.cpython-313.pyc' | grep -c hook
"""
REMOVED = """\
mkdir -p /var/lib/dns01/certificates/example.org
apt-get remove dns01
test -e /etc/dns01/config.toml -a ! -e /usr/bin/dns01 -a ! -e /opt/dns01
apt-get purge dns01
test ! -e /etc/dns01 -a -d /var/lib/dns01/certificates/example.org -a ! -e /var/lib/dns01/open
test -e /var/lib/dehydrated/certs/example.org/fullchain.pem
"""
# From share/man of the prefix; Debian 12's pipx puts nothing elsewhere.
MAN = "man=$(echo {}); grep -q '^.SH' $man/man1/dns01.1 && grep -q '^.SH' $man/man5/dns01.toml.5"
HOST = """\
{"all": {"hosts": {"web1": {
    "ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3",
    "dns01_deb": "{{ lookup('ansible.builtin.fileglob', 'dns01_*.deb') }}",
    "dns01_production": true, "dns01_doctor": false,
    "dns01_ca": "https://127.0.0.1:14000/dir",
    "dns01_accounts": {"own": {"provider": "rfc2136", "nameserver": "192.0.2.53", "ttl": 2,
        "tsig_file": "/etc/dns01/secrets/tsig.key"}},
    "dns01_zones": {"example.org": {"nameservers": ["192.0.2.53"]}},
    "dns01_settings": {"resolvers": ["192.0.2.53"], "doh": []},
    "dns01_secrets": {"tsig.key": "{{ lookup('file', '/etc/bind/dns01.key') }}"},
    "dns01_certificates": [{"names": ["example.org", "*.example.org"]}],
    "dns01_deploy": {"example.org": {"tls": {"to": "files", "directory": "/etc/tls"}}}
}}}}
"""
# The host has had dehydrated before, with certificates of its own that nothing of this may touch.
HAD_DEHYDRATED = """\
apt-get install --no-install-recommends python3 dehydrated cron
echo 'CONTACT_EMAIL=me@example.org' >>/etc/dehydrated/config
old=/var/lib/dehydrated/certs/old.example.org
mkdir -p $old && echo old >$old/cert.pem
"""
PLAY = """\
cd /root/ansible; export ANSIBLE_NOCOLOR=1
play() { PLAYBOOK -i hosts.json one-host.yml "$@"; }
"""
# With a network it installs, and cannot reach the CA; the next run goes on from there.
CONVERGE = (
    PLAY + "play --check && { play && exit 1; /usr/bin/dns01 --version; }",
    PLAY + "play && openssl x509 -in /etc/tls/fullchain.pem -noout -issuer",
    PLAY + "play | tee /root/again; grep -q 'changed=0 .*failed=0' /root/again",
    PLAY + "play --check --diff | tee /root/again; grep -q 'changed=0 .*failed=0' /root/again",
    PLAY + "play -e dns01_state=absent; test ! -e /usr/bin/dns01 -a -e /etc/tls/fullchain.pem",
    "grep -q CONTACT_EMAIL /etc/dehydrated/config; cat /var/lib/dehydrated/certs/old.example.org/cert.pem",
)


def ansible() -> list[Step]:
    """The role, on a host that has had dehydrated before."""
    first, *others = (
        script.replace("PLAYBOOK", str(ANSIBLE / "bin" / "ansible-playbook")) for script in CONVERGE
    )
    files = "cp -r ansible /root; mkdir /root/ansible/files"
    files += '; cp dist/dns01_*_"$(dpkg --print-architecture)".deb /root/ansible/files\n'
    files += append("/root/ansible/hosts.json", HOST)
    bind = BIND.replace("named -u bind", "true", 1).partition("for try")[0]
    return [
        Step(f"{HAD_DEHYDRATED}{bind}cd /root/dns01; {files}{first}", online=True),
        Step(CA + "named -u bind; sleep 2"),
        *map(Step, others),
    ]


# The bare Debian is in the place of the registry's image. In the namespaces of a trial, a chroot is all that
# buildah has for isolation, and it copies what it could lay over each other.
STORAGE = """\
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
"""
REGISTRY = f"""\
export BUILDAH_ISOLATION=chroot
mkdir -p /etc/containers
{append("/etc/containers/storage.conf", STORAGE)}
apt-get install --no-install-recommends buildah >/dev/null
slim=$(buildah from scratch)
buildah add --quiet "$slim" /srv /
buildah commit --quiet "$slim" debian:trixie-slim
buildah rm "$slim" >/dev/null
"""
ACCOUNT = """\
CA=https://127.0.0.1:14000/dir
export DNS01_PROVIDER=rfc2136 RFC2136_NAMESERVER=192.0.2.53 RFC2136_TSIG_FILE=/etc/dns01/tsig.key
export DNS01_NAMESERVERS=192.0.2.53 DNS01_RESOLVERS=192.0.2.53 DNS01_DOH=
"""
CONTAINER = f"""\
export BUILDAH_ISOLATION=chroot
cd /root/ca
echo 'example.org *.example.org' >domains.txt
{append("account.sh", ACCOUNT)}
install -m 600 -o 10000 /etc/bind/dns01.key tsig.key
container=$(buildah from dns01)
buildah run -v /root/ca/domains.txt:/etc/dehydrated/domains.txt:ro \\
    -v /root/ca/account.sh:/etc/dehydrated/conf.d/account.sh:ro -v /root/ca/tsig.key:/etc/dns01/tsig.key:ro \\
    -v {CERTIFICATES}:{CERTIFICATES}:ro "$container" -- sh -ec '
        id -un | grep -x dns01
        dehydrated --cron --accept-terms
        cat /var/lib/dns01/dehydrated/certs/example.org/fullchain.pem
    ' >said
cat said
curl -s https://127.0.0.1:15000/roots/0 >root.pem
sed -n '/BEGIN/,$p' said >fullchain.pem
openssl verify -CAfile root.pem -untrusted fullchain.pem fullchain.pem
[ ! "$(dig +short @192.0.2.53 _acme-challenge.example.org TXT)" ]
"""


def image() -> list[Step]:
    """The image, and a certificate that dehydrated brings within it."""
    return [Step(REGISTRY + commands("An image"), online=True), Step(CA + BIND), Step(CONTAINER)]


WAYS = {
    "deb": way("The Debian package", "/usr/bin/dns01", UPGRADED, REMOVED, before=OLDER),
    "next": way("The Debian package", "/usr/bin/dns01", NEXT_DEBIAN, NEXT_PYTHON, ORDER),
    "pipx": way("pipx", LOCAL, MAN.format("/opt/pipx/venvs/dns01-hook/share/man")),
    "uv": way("uv", LOCAL, MAN.format("/opt/uv/dns01-hook/share/man"), before=UV),
    "sdist": way("A virtual environment", LOCAL, MAN.format("/opt/dns01/share/man")),
    "pyz": way("One file", LOCAL),
    "image": image(),
    "ansible": ansible(),
}
