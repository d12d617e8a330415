"""Real clients get real certificates from a real CA, by way of real name servers.

Each case is a client, a name server under test, and a form of the hook: the script of the
checkout or the installed command. One of them alone, with all that everybody said::

    .venv/bin/pytest tests/e2e -k "certbot-newest and knot" -rA

``stage.py`` is the world that it happens in, ``clients.py`` has a function for each client,
``services.py`` a class for each service that gets a certificate. If ``.venv/bin/dns01`` or
``.venv-certbot/bin/certbot`` (or what DNS01_CERTBOT names) is missing, ``make e2e`` makes it.
"""
