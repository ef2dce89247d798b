"""Faults that tests inject: what a server, a disk or a process does wrong."""

import http.server
import threading
from collections.abc import Mapping, Sequence
from typing import Any


class LocalServer:
    """An HTTP server on 127.0.0.1 that misbehaves as told; use it as a context manager.

    `replies[path]` is a list of replies, the last of which is repeated; a reply is a dict with any of
        status:  the HTTP status (200)
        body:    bytes of the whole answer (b"")
        send:    how many of them are really sent before the connection closes (all)
        length:  whether a Content-Length is announced (True)
        stall:   seconds of silence before the rest of the body is sent, after its first half (0)
        headers: further headers
    `requests` lists the paths asked for, in order.
    """

    def __init__(self, replies: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self.requests: list[str] = []
        self._replies = {path: list(answers) for path, answers in replies.items()}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def __enter__(self) -> "LocalServer":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        with self._lock:
            self.requests.append(handler.path)
            answers = self._replies.get(handler.path, [{"status": 404}])
            reply = answers.pop(0) if len(answers) > 1 else answers[0]
        body = reply.get("body", b"")
        handler.send_response(reply.get("status", 200))
        if reply.get("length", True):
            handler.send_header("Content-Length", str(len(body)))
        for name, value in reply.get("headers", {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        sent = body[: reply.get("send", len(body))]
        try:
            handler.wfile.write(sent[: len(sent) // 2])
            handler.wfile.flush()
            self._closing.wait(reply.get("stall", 0))
            handler.wfile.write(sent[len(sent) // 2 :])
        except OSError:  # the client hung up: what several tests are about
            pass
