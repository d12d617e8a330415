"""Keeps queries out of the log of urllib3: some APIs want a secret there, and have no other way."""

from __future__ import annotations

import logging
import re

QUERY = re.compile(r"\?[^\s'\"]+")


def keep_queries_out() -> None:
    """Keep the loggers of urllib3 from writing the query of any URL, whoever turns them on."""
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_without_query)  # a filter is never there twice


def _without_query(record: logging.LogRecord) -> bool:
    record.msg, record.args = QUERY.sub("?…", record.getMessage()), ()
    return True
