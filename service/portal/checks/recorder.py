"""Stands between two programs, passes on what they say and keeps it: in the clear, where TLS ends here."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading


class Recorder:
    """Listens on `port` of this machine and carries everything to `target` and back.

    `taken` is the TLS that clients are met with, `made` the one that the target is called with.
    """

    def __init__(
        self, target: tuple[str, int], taken: ssl.SSLContext | None = None, made: ssl.SSLContext | None = None
    ) -> None:
        self._target, self._taken, self._made = target, taken, made
        self._streams: list[tuple[bytearray, bytearray]] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def sent(self) -> bytes:
        """What clients said, one connection after the other."""
        return b"\n".join(bytes(sent) for sent, _ in self._streams)

    def answered(self) -> bytes:
        """What they were told."""
        return b"\n".join(bytes(answered) for _, answered in self._streams)

    def close(self) -> None:
        """Takes no more connections."""
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        sent, answered = bytearray(), bytearray()
        self._streams.append((sent, answered))
        with contextlib.ExitStack() as open_ones, contextlib.suppress(OSError):
            open_ones.enter_context(client)
            if self._taken is not None:
                client = open_ones.enter_context(self._taken.wrap_socket(client, server_side=True))
            server = open_ones.enter_context(socket.create_connection(self._target))
            if self._made is not None:
                server = open_ones.enter_context(self._made.wrap_socket(server, server_hostname="localhost"))
            back = threading.Thread(target=pour, args=(server, client, answered), daemon=True)
            back.start()
            pour(client, server, sent)
            back.join()


def pour(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    """From one to the other until the end."""
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            kept += data
            target.sendall(data)
    # The other direction ends too: both programs close when one does.
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
