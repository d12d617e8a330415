"""Which accounts are found in the files of others."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from fresh import HOME, KEY_FILE, SECRET, FreshMachine

from dns01.errors import UsageError
from dns01.hooks.commands.init.found import registry

ENCODED = base64.b64encode(b"the-token-itself").decode()
TSIG = {"tsig_key": "dns01", "tsig_algorithm": "hmac-sha256", "tsig_secret": SECRET}

# The file's name, what is in it, the provider, and its options.
FILES = {
    "BIND's key file": ("dns01.key", KEY_FILE, "rfc2136", TSIG),
    "a key within named.conf, with comments": (
        "named.conf.local",
        f'// key "not" {{ }}\nkey dns01. {{ # 1\n secret "{SECRET}"; /* 2 */ algorithm HMAC-SHA256;\n}};\n',
        "rfc2136",
        TSIG,
    ),
    "a key of dnssec-keygen's": (
        "Kdns01.+165+12345.private",
        f"Private-key-format: v1.3\nAlgorithm: 165 (HMAC_SHA512)\nKey: {SECRET}\nBits: AAA=\n",
        "rfc2136",
        {**TSIG, "tsig_algorithm": "hmac-sha512"},
    ),
    "a key of Knot's keymgr": (
        "dns01.key",
        f"# hmac-sha256:dns01:{SECRET}\n"
        f"key:\n  - id: dns01\n    algorithm: hmac-sha256\n    secret: {SECRET}\n",
        "rfc2136",
        TSIG,
    ),
    "a key within knot.conf": (
        "knot.conf",
        f'acl:\n  - id: a\n    key: dns01\n    action: update\nkey:\n  - id: "dns01."  # ours\n'
        f"    secret: '{SECRET}'\n    algorithm: hmac-sha256\nremote:\n  - id: r\n",
        "rfc2136",
        TSIG,
    ),
    "dehydrated's hook for lexicon": (
        "config",
        "export PROVIDER=hover\nexport LEXICON_HOVER_USERNAME=me\nexport LEXICON_HOVER_PASSWORD=pass-word\n"
        'HOOK="/usr/local/bin/dehydrated.default.sh"\n',
        "lexicon",
        {"api": "hover", "options.AUTH_USERNAME": "me", "options.AUTH_PASSWORD": "pass-word"},
    ),
    "lexicon's variables": (
        "config",
        "LEXICON_PROVIDER=hover\nLEXICON_HOVER_AUTH_USERNAME=me\nLEXICON_HOVER_AUTH_PASSWORD=pass-word\n",
        "lexicon",
        {"api": "hover", "options.AUTH_USERNAME": "me", "options.AUTH_PASSWORD": "pass-word"},
    ),
    "certbot's cloudflare": (
        "cf.ini",
        "dns_cloudflare_api_token = abc-token\n",
        "cloudflare",
        {"token": "abc-token"},
    ),
    "certbot's cloudflare, with a global key": (
        "cf.ini",
        "# all\ndns_cloudflare_email=me@example.com\n  dns_cloudflare_api_key = 'abcdef'\n",
        "cloudflare",
        {"email": "me@example.com", "key": "abcdef"},
    ),
    "certbot's rfc2136": (
        "rfc2136.ini",
        f"dns_rfc2136_server = 192.0.2.53\ndns_rfc2136_port = 5353\ndns_rfc2136_name = dns01\n"
        f"dns_rfc2136_secret = {SECRET}\ndns_rfc2136_algorithm = HMAC-SHA256\n",
        "rfc2136",
        {"nameserver": "192.0.2.53:5353", **TSIG},
    ),
    "certbot's rfc2136 by IPv6, without an algorithm": (
        "rfc2136.ini",
        f"dns_rfc2136_server = 2001:db8::53\ndns_rfc2136_port = 54\ndns_rfc2136_name = dns01\n"
        f"dns_rfc2136_secret = {SECRET}\n",
        "rfc2136",
        {"nameserver": "[2001:db8::53]:54", **TSIG, "tsig_algorithm": "hmac-md5"},
    ),
    "an old plugin of a third party, with its package's name": (
        "inwx.ini",
        "certbot_dns_inwx:dns_inwx_username = me\ncertbot_dns_inwx:dns_inwx_password = pass-word\n",
        "inwx",
        {"user": "me", "password": "pass-word"},
    ),
    "acme.sh's account": (
        "account.conf",
        "LOG_LEVEL=1\nSAVED_CF_Token='abc-token'\nSAVED_CF_Account_ID='1'\nUSER_PATH='/usr/bin'\n",
        "cloudflare",
        {"token": "abc-token"},
    ),
    "acme.sh's, in base64": (
        "account.conf",
        f"SAVED_HOSTINGER_Token='__ACME_BASE64__START_{ENCODED}__ACME_BASE64__END_'\n",
        "hostinger",
        {"token": "the-token-itself"},
    ),
    "acme.sh's, of a script that only the bridge leads to": (
        "example.org.conf",
        "Le_Domain='example.org'\nLe_Webroot='dns_zilore'\nSAVED_Zilore_Key='abc-key'\n",
        "acmesh",
        {"api": "dns_zilore", "env.Zilore_Key": "abc-key"},
    ),
    "lego's variables": (
        "lego.env",
        'export DO_AUTH_TOKEN="abc-token"\nLEGO_PATH=/x\n',
        "digitalocean",
        {"token": "abc-token"},
    ),
    "a unit's EnvironmentFile": (
        "env",
        "INWX_USERNAME=me\nINWX_PASSWORD=pass-word\n",
        "inwx",
        {"user": "me", "password": "pass-word"},
    ),
    "lexicon's variables, of dehydrated's hook": (
        "env",
        "LEXICON_PROVIDER=zilore\nLEXICON_ZILORE_AUTH_KEY=abc-key\n",
        "lexicon",
        {"api": "zilore", "options.AUTH_KEY": "abc-key"},
    ),
    "lexicon's file": (
        "lexicon.yml",
        "# mine\nzilore:\n  auth_key: 'abc-key'\n",
        "lexicon",
        {"api": "zilore", "options.auth_key": "abc-key"},
    ),
    "lexicon's file of one provider": (
        "lexicon_zilore.yml",
        "auth_key: abc-key\n",
        "lexicon",
        {"api": "zilore", "options.auth_key": "abc-key"},
    ),
    "pyrax": (
        ".rackspace_cloud_credentials",
        "[rackspace_cloud]\nusername = me\napi_key = abc%def\n",
        "rackspace",
        {"user": "me", "api_key": "abc%def"},
    ),
    "acme-dns-client": (
        "clientstorage.json",
        '{"example.org": {"fulldomain": "x.auth.example", "subdomain": "x", "username": "u", "password": "p",'
        ' "server_url": "https://auth.example"}}',
        "acmedns",
        {"base_url": "https://auth.example"},
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_an_account_is_read_from(case: str, tmp_path: Path) -> None:
    name, text, provider, values = FILES[case]
    path = tmp_path / name
    path.write_text(text)
    (found,) = registry.accounts_of(str(path))
    own = {key: value for key, value in found.values.items() if key not in ("home", "storage")}
    assert (found.provider, own, found.source) == (provider, values, str(path))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0\0\0",
        "[[[[[",
        "{" * 5000,
        '{"a": 1, "b": []}',
        "key { };",
        f'key "rndc-key" {{ algorithm hmac-sha256; secret "{SECRET}"; }};',
        "dns_cloudflare_api_token =\n",
        "SAVED_CF_Token=''\n",
        "DNS01_PROVIDER=nowhere\n",
        "LEXICON_ZILORE_AUTH_KEY=x\n",
    ],
)
def test_what_is_no_account_is_none(text: str, tmp_path: Path) -> None:
    for name in ("file", "lexicon.yml"):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(UsageError) as error:
            registry.accounts_of(str(path))
        assert str(error.value) == f"init: nothing in {path} is an account that can be used"
        assert error.value.hint == (
            "keys of BIND and Knot have one, and the files of certbot's plugins, acme.sh, lego, lexicon, "
            "pyrax and acme-dns"
        )


COMMAND = ("dns01", "init", "--client", "certbot", "--no-doctor", "--yes", "example.org")


class TestInTheirPlaces:
    @pytest.mark.parametrize(
        ("path", "text", "key"),
        [
            (f"{HOME}/.secrets/certbot/cf.ini", "dns_cloudflare_api_token = abc-token\n", "cloudflare.token"),
            (
                f"{HOME}/.acme.sh/account.conf",
                "SAVED_GD_Key='abc'\nSAVED_GD_Secret='abc-sec'\n",
                "godaddy.secret",
            ),
            (
                f"{HOME}/.acme.sh/example.org_ecc/example.org.conf",
                "SAVED_CF_Token='abc-token'\n",
                "cloudflare.token",
            ),
            ("/etc/lego/env", "VULTR_API_KEY=abc-token\n", "vultr.token"),
            (
                f"{HOME}/.rackspace_cloud_credentials",
                "[rackspace_cloud]\nusername=u\napi_key=abc-key\n",
                "rackspace.api_key",
            ),
        ],
    )
    def test_it_is_found_without_being_named(
        self, path: str, text: str, key: str, machine: FreshMachine
    ) -> None:
        machine.write(path, text)
        said = machine.run(*COMMAND)
        assert said.code == 0, said.stderr
        assert machine.path(f"/etc/dns01/{key}").read_text().startswith("abc")
        assert f"from {path}" in said.stderr
        assert "abc" not in said.stdout + said.stderr

    def test_a_file_that_is_named_goes_before_what_is_configured(self, machine: FreshMachine) -> None:
        machine.write("/etc/bind/dns01.key", KEY_FILE)
        machine.run(*COMMAND)
        other = KEY_FILE.replace("dns01", "of-today").replace("c2VjcmV0", "b3RoZXIh")
        machine.write(f"{HOME}/new.key", other)

        said = machine.run(*COMMAND, "--from", f"{HOME}/new.key")

        assert said.code == 0, said.stderr
        assert 'tsig_key = "of-today"' in machine.path("/etc/dns01/config.toml").read_text()
        assert machine.path("/etc/dns01/rfc2136.tsig_secret").read_text().startswith("b3RoZXIh")

    def test_what_is_configured_goes_before_what_is_found(self, machine: FreshMachine) -> None:
        machine.write("/etc/bind/dns01.key", KEY_FILE)
        machine.run(*COMMAND)
        machine.write("/etc/bind/dns01.key", KEY_FILE.replace("dns01", "of-today"))
        assert machine.run(*COMMAND, "--provider", "bind").code == 0
        assert 'tsig_key = "dns01"' in machine.path("/etc/dns01/config.toml").read_text()

    def test_the_key_that_a_zone_takes_updates_with_goes_before_others(self, machine: FreshMachine) -> None:
        machine.write("/etc/bind/dns01.key", KEY_FILE)
        machine.write("/etc/bind/keys/other.key", KEY_FILE.replace("dns01", "transfer"))
        grant = "update-policy { grant dns01 name _acme-challenge.example.org. TXT; };"
        machine.write(
            "/etc/bind/named.conf.local", f'zone "example.org" {{ type primary; {grant} }};\n', 0o644
        )
        said = machine.run(*COMMAND)
        assert said.code == 0, said.stderr
        assert "tsig_key: dns01, from /etc/bind/dns01.key" in said.stderr

    def test_of_several_keys_none_is_taken_by_chance(self, machine: FreshMachine) -> None:
        machine.write("/etc/bind/dns01.key", KEY_FILE)
        machine.write("/etc/bind/keys/other.key", KEY_FILE.replace("dns01", "transfer"))
        said = machine.run(*COMMAND)
        assert said.code == 2
        assert "--from FILE" in said.stderr
        assert machine.run(*COMMAND, "--set", "tsig_key=transfer").code == 0
        assert 'tsig_key = "transfer"' in machine.path("/etc/dns01/config.toml").read_text()

    @pytest.mark.parametrize("variable", ["SUDO_USER", "DOAS_USER"])
    @pytest.mark.parametrize(
        ("path", "text"),
        [
            (".acme.sh/account.conf", "SAVED_CF_Token='abc-token'\n"),
            (".secrets/certbot/cf.ini", "dns_cloudflare_api_token = abc-token\n"),
            (".lego/env", "CF_DNS_API_TOKEN=abc-token\n"),
        ],
    )
    def test_what_is_in_the_home_of_who_has_root_run_this(
        self, path: str, text: str, variable: str, machine: FreshMachine
    ) -> None:
        machine.at_home_of("ada", path, text)
        assert machine.run(*COMMAND).code == 2
        said = machine.run(*COMMAND, **{variable: "ada"})
        assert said.code == 0, said.stderr
        assert machine.path("/etc/dns01/cloudflare.token").read_text() == "abc-token\n"

    @pytest.mark.parametrize(
        "options",
        ['--home "/opt/acme sh" --config-home "/opt/data"', "--config-home /opt/data", "--home='/opt/data'"],
    )
    def test_what_is_where_cron_s_line_of_acme_sh_says(self, options: str, machine: FreshMachine) -> None:
        machine.write("/opt/data/account.conf", "SAVED_CF_Token='abc-token'\n")
        machine.write("/etc/cron.d/acme", f'1 2 * * * root "/opt/acme"/acme.sh --cron {options}\n', 0o644)
        said = machine.run(*COMMAND)
        assert said.code == 0, said.stderr
        assert "from /opt/data/account.conf" in said.stderr

    def test_scripts_that_another_user_could_change_are_nothing_for_root(self, machine: FreshMachine) -> None:
        text = "Le_Webroot='dns_loopia2'\nSAVED_LOOPIA2_Token='abc-token'\n"
        machine.at_home_of("ada", ".acme.sh/example.org/example.org.conf", text)
        machine.at_home_of("ada", ".acme.sh/acme.sh", "")
        said = machine.run(*COMMAND, SUDO_USER="ada")
        assert said.code == 2
        assert "there is no --provider" in said.stderr

    def test_a_file_that_another_user_could_have_written_is_not_believed(self, machine: FreshMachine) -> None:
        machine.write("/etc/bind/dns01.key", KEY_FILE, 0o666)
        said = machine.run(*COMMAND)
        assert said.code == 2
        assert "not looked at: /etc/bind/dns01.key " in said.stderr
        assert "(mode 0666)" in said.stderr
