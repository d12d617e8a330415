"""A server that answers every HTTP request with the same words, whatever they do to a terminal."""

from __future__ import annotations

import json
from socketserver import StreamRequestHandler
from typing import Any

from testbed.serving import LocalTcpServer, Served


class Rude(Served):
    """``words``: the reason phrase and every text in the JSON of each answer. ``tls``: an ssl.SSLContext."""

    closes = True  # the connection after each answer

    def __init__(self, words: str, status: int = 418, tls: Any = None) -> None:
        reason = words.replace("\r", "").replace("\n", " ").encode()
        keys = ("type", "title", "detail", "message", "error", "errors", "reason", "id", "code")
        body = json.dumps(dict.fromkeys(keys, words), ensure_ascii=False).encode()
        head = b"HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\n" % (status, reason)
        self.answer = head + b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        rude = self

        class Handler(StreamRequestHandler):
            def setup(self) -> None:
                if tls:
                    self.request = tls.wrap_socket(self.request, server_side=True)
                super().setup()

            def handle(self) -> None:
                while self.rfile.peek(1):
                    length = 0
                    while (line := self.rfile.readline()) not in (b"\r\n", b""):
                        if line.lower().startswith(b"content-length:"):
                            length = int(line.split(b":")[1])
                    self.rfile.read(length)
                    self.wfile.write(rude.answer)
                    if rude.closes:
                        return

        self._server = LocalTcpServer(Handler)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
