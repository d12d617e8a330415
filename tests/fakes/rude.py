"""A server that answers every HTTP request with the same words, whatever they do to a terminal."""

from __future__ import annotations

import json
import socketserver
import threading
from typing import Any, Self


class Rude:
    """``words``: the reason phrase and every text in the JSON of each answer. ``tls``: an ssl.SSLContext."""

    def __init__(self, words: str, status: int = 418, tls: Any = None) -> None:
        reason = words.replace("\r", "").replace("\n", " ").encode()
        keys = ("type", "title", "detail", "message", "error", "errors", "reason", "id", "code")
        body = json.dumps(dict.fromkeys(keys, words), ensure_ascii=False).encode()
        head = b"HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\n" % (status, reason)
        self.answer = head + b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        self._tls = tls

    def __enter__(self) -> Self:
        rude, tls = self, self._tls

        class Handler(socketserver.StreamRequestHandler):
            def setup(self) -> None:
                if tls:
                    self.request = tls.wrap_socket(self.request, server_side=True)
                super().setup()

            def handle(self) -> None:
                length = 0
                while (line := self.rfile.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                self.rfile.read(length)
                self.wfile.write(rude.answer)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
