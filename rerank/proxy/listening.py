"""Listen on an address of this machine."""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from resift.retrieval.errors import SettingsError

_WAITING = 1024  # connections that were not accepted yet
_FILES = 1 << 16  # connections of callers, and as many to the engine
_ATTACH, _DETACH = 51, 68  # SO_ATTACH_REUSEPORT_CBPF and SO_DETACH_REUSEPORT_BPF of Linux
_RETURN = 0x06  # the instruction BPF_RET | BPF_K


@contextmanager
def listen(text: str, name: str, share: bool) -> Iterator[socket.socket]:
    """Yield a socket that listens on `text`, HOST:PORT, and close it afterwards; port 0 takes a free one.

    The process may then have more files open than by default, since each connection is one. `share`: another process
    may listen on the same port. `name` is the setting that messages blame. Raises
    SettingsError if the address cannot be used.
    """
    host, port = read_host_and_port(text, name)
    _allow_many_files()
    made = _open(host, port, text, name, share)
    try:
        yield made
    finally:
        made.close()


def read_host_and_port(text: str, name: str) -> tuple[str, int]:
    """Return the host and the port of HOST:PORT. Raises SettingsError, which blames the setting `name`.

    >>> read_host_and_port("[::1]:9400", "listen")
    ('::1', 9400)
    """
    host, _, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"{text!r} is not an address; expected HOST:PORT, such as 127.0.0.1:9400", name)
    return host, int(port)


def _allow_many_files() -> None:
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _open(host: str, port: int, text: str, name: str, share: bool) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if share:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind(address)
            if share:
                _choose(made, None)
            made.listen(_WAITING)  # now: two sockets can be bound to one address, but not both listen
            made.setblocking(False)
        except BaseException:
            made.close()
            raise
    except AttributeError:
        raise SettingsError("a port cannot be shared on this system; leave out `share_port`", "share_port") from None
    except UnicodeError:
        raise SettingsError(f"{text!r} is not an address; expected HOST:PORT, such as 127.0.0.1:9400", name) from None
    except OSError as error:
        message = f"{text} cannot be listened on: {error.strerror or error}"
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise SettingsError(f"{message}; expected an address of this machine, such as 0.0.0.0", name) from None
        hint = ", or stop what uses it" if share else ", stop what uses it, or give both proxies `share_port`"
        raise SettingsError(
            f"{message}; choose another port{hint if name == 'listen' else ', or stop what uses it'}", name
        ) from None
    return made


def step_aside(listener: socket.socket) -> list[socket.socket]:
    """Have new connections go to another listener that shares the port of `listener`, if there is one.

    A listener that is closed resets the connections that wait for it, so it must not get any more before. Returns
    connections that were accepted meanwhile, which are to be served. On systems other than Linux nothing happens.
    """
    accepted: list[socket.socket] = []
    for place in (1, 0):  # one of the two is another listener, if there are several
        if not _choose(listener, place) or not _arrives(listener, accepted):
            break
    return accepted


def _choose(listener: socket.socket, place: int | None) -> bool:
    """Have the listeners that share a port get all new connections at one `place`, or by chance if it is None.

    It is the place in the order in which they began to listen; if there is no such listener, chance decides (socket(7),
    SO_ATTACH_REUSEPORT_CBPF). Returns False if the system cannot do that.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        if place is None:
            listener.setsockopt(socket.SOL_SOCKET, _DETACH, 0)
            return True
        program = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN, 0, 0, place))
        listener.setsockopt(socket.SOL_SOCKET, _ATTACH, struct.pack("HP", 1, ctypes.addressof(program)))
    except OSError:  # also if there was no choice to undo
        return False
    return True


def _arrives(listener: socket.socket, accepted: list[socket.socket]) -> bool:
    """Return whether a new connection arrives at `listener`; others that do are added to `accepted`."""
    host, *rest = listener.getsockname()
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    with socket.socket(listener.family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect((here, *rest))
            while True:
                made, peer = listener.accept()
                if peer == probe.getsockname():
                    made.close()
                    return True
                made.setblocking(False)
                accepted.append(made)
        except OSError:  # nothing more waits, or no connection can be made
            return False
