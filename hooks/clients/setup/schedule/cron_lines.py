"""A client's command as a line of cron's has it, quiet where nothing is due, since it mails all output."""

from __future__ import annotations


def quiet(client: str, command: str) -> str:
    """The command, for a shell, that prints nothing where nothing is due and nothing is wrong; what it prints
    when it fails is whole, and a renewal may say a few lines. certbot and uacme have options for that."""
    if client == "dehydrated":  # its story is on stdout, the hook's lines and errors are on stderr
        return f'out=$({command}) || {{ echo "$out"; false; }}'
    if client == "lego":  # all is on stderr, in one stream with the hook's lines
        return f"{command} 2>&1 | grep -v ': no renewal'"
    return command


def in_crontab(client: str, command: str) -> str:
    """The quiet command as a crontab has it, where a bare % would end it (crontab(5))."""
    return quiet(client, command).replace("%", "\\%")
