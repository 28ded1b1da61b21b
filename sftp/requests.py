"""What a client asks and what is done about it: one method per request of SFTP version 3."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sftp import protocol
from sftp.activity import Activity
from sftp.counts import so_many
from sftp.errors import Outside, Reject, of_oserror
from sftp.jail import place
from sftp.names import is_temporary, shown
from sftp.upload import Download, Upload, too_large
from sftp.wire import PACKET_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from sftp.activity import Tell
    from sftp.jail import Entry, Jail, Place
    from sftp.protocol import Fields
    from sftp.quota import Allowance

_LISTINGS_MAX = 8  # each holds all entries of its folder
_PATH_MAX = 200  # of a path that a refused request is about, so much is told
_QUESTIONS = (7, 17)  # LSTAT and STAT: clients ask what is somewhere before they do anything, and by themselves
# The kind of the reply and its fields after the request's number; what is read holds until the next request.
Reply = tuple[int, *tuple[bytes | memoryview, ...]]


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """`idle_seconds` without a request end a session; so does an answer that is not taken for `stall_seconds`."""

    handles: int = 64
    idle_seconds: float = 900.0
    stall_seconds: float = 60.0


class Listing:
    """A folder that is being listed."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries

    def next(self) -> list[Entry]:
        """The next entries, none at the end."""
        entries, self._entries = self._entries[: protocol.NAMES_PER_REPLY], self._entries[protocol.NAMES_PER_REPLY :]
        return entries

    def abort(self) -> None:
        """Nothing to let go of."""


Handle = Upload | Download | Listing


class Requests:
    """The requests of one session and the files it has open. Not for several threads."""

    def __init__(
        self, jail: Jail, *, limits: SessionLimits, allowance: Allowance, tell: Tell, uploaded: Callable[[str], None],
        user: str, address: str,
    ) -> None:  # fmt: skip
        self._jail = jail
        self._limits = limits
        self._allowance = allowance
        self._tell_to = tell
        self._uploaded = uploaded
        self._user = user
        self._address = address
        self._handles: dict[bytes, Handle] = {}
        self._opened_at: dict[bytes, str] = {}
        """The path of each handle."""
        self._about: list[str] = []
        """The paths that the request at hand is about, as the client sees them."""
        self._handle_number = 0
        self._room = memoryview(b"")
        """For what is read, again and again: fresh memory would cost more than reading into it."""
        self._requests: dict[int, Callable[[Fields], Reply]] = {
            3: self._open,
            4: self._close,
            5: self._read,
            6: self._write,
            7: self._stat,  # LSTAT: there are no links
            8: self._fstat,
            9: self._setstat,
            10: self._fsetstat,
            11: self._opendir,
            12: self._readdir,
            13: self._remove,
            14: self._mkdir,
            15: self._forbidden,  # RMDIR
            16: self._realpath,
            17: self._stat,
            18: self._rename,
            19: self._forbidden,  # READLINK
            20: self._forbidden,  # SYMLINK
            200: self._extended,
        }
        self._extensions: dict[str, Callable[[Fields], Reply]] = {
            "posix-rename@openssh.com": self._posix_rename,
            "fsync@openssh.com": self._fsync,
            "limits@openssh.com": self._limits_reply,
        }

    def answer(self, kind: int, fields: Fields) -> Reply:
        """Do what is asked; a refusal is an answer too, and told with the path that it is about."""
        self._about = []
        try:
            return self._requests.get(kind, self._unsupported)(fields)
        except OSError as error:
            refusal = of_oserror(error)
        except Reject as rejected:
            refusal = rejected
        asked = kind not in _QUESTIONS and isinstance(refusal, Outside)
        if asked or refusal.code in {"permission denied", "failure", "bad message"}:
            self._tell("refused", shown(self._placed(refusal.message)), problem=True)
        return protocol.status(refusal.code, refusal.message)

    def _path(self, fields: Fields) -> Place:
        """A path of the request, understood; it is noted even where there can be nothing at it."""
        self._about.append(fields.text())
        where = place(self._about[-1])
        self._about[-1] = str(where)
        return where

    def _placed(self, message: str) -> str:
        """A refusal with the paths that it is about in front, unless it begins with one of them."""
        about = [each[:_PATH_MAX] for each in self._about]
        return message if not about or message.startswith(tuple(about)) else f"{' to '.join(about)}: {message}"

    def abort(self, *, delivered: bool = False) -> None:
        """The session is over: whatever is still open was not closed by the client; what came of it is kept.

        Some clients never close what they read (lftp): it is theirs when all that was sent has been `delivered`.
        """
        for handle in self._handles.values():
            handle.abort()  # first: whoever is told may resume or remove it at once
            if delivered:
                self._tell_collected(handle)
            if isinstance(handle, Upload):
                self._tell(
                    "upload_broken",
                    f"the connection ended after {so_many(handle.size, 'byte')} of {shown(handle.name)}; "
                    "it can be resumed",
                    problem=True,
                    source=handle.source,
                    name=handle.name,
                    size=handle.size,
                )
        self._handles.clear()

    def _unsupported(self, _fields: Fields) -> Reply:
        raise Reject("unsupported", "this server does not do that")

    def _open(self, fields: Fields) -> Reply:
        where, flags = self._path(fields), fields.number()
        size, _ = fields.attributes()
        if len(self._handles) >= self._limits.handles:
            raise Reject("failure", f"at most {self._limits.handles} files can be open at a time")
        if not flags & protocol.WRITE:
            return self._opened(Download(self._jail, where), where)
        if flags & protocol.EXCLUSIVE and self._exists(where):
            raise Reject("failure", f"{where} exists already")
        bytes_max = self._allowance.quota.file
        if size is not None and bytes_max is not None and size > bytes_max:
            raise Reject("failure", too_large(where.name or "", bytes_max))
        upload = Upload(
            self._jail,
            where,
            fresh=bool(flags & protocol.TRUNCATE),
            append=bool(flags & protocol.APPEND),
            allowance=self._allowance,
        )
        return self._opened(upload, where)

    def _exists(self, where: Place) -> bool:
        try:
            self._jail.stat(where)
        except Reject:
            return False
        return True

    def _opened(self, handle: Handle, where: Place) -> Reply:
        self._handle_number += 1
        name = str(self._handle_number).encode()
        self._handles[name] = handle
        self._opened_at[name] = str(where)
        return protocol.HANDLE, protocol.string(name)

    def _handle(self, fields: Fields) -> Handle:
        name = bytes(fields.data())
        handle = self._handles.get(name)
        if handle is None:
            raise Reject("failure", "there is no such handle")
        self._about.append(self._opened_at[name])
        return handle

    def _file(self, fields: Fields) -> Upload | Download:
        handle = self._handle(fields)
        if isinstance(handle, Listing):
            raise Reject("failure", "the handle is that of a folder")
        return handle

    def _close(self, fields: Fields) -> Reply:
        name = bytes(fields.data())
        handle = self._handles.pop(name, None)
        if handle is None:
            raise Reject("failure", "there is no such handle")
        self._about.append(self._opened_at.pop(name))
        if not self._handles:
            self._room = memoryview(b"")
        if isinstance(handle, Upload):
            self._commit(handle)
            return protocol.status("ok")
        handle.abort()
        self._tell_collected(handle)
        return protocol.status("ok")

    def _tell_collected(self, handle: Handle) -> None:
        if isinstance(handle, Download) and handle.complete:
            message = f"{self._user} read {shown(handle.name)}, {so_many(handle.size, 'byte')}, to its end"
            self._tell("downloaded", message, source=handle.source, name=handle.name, size=handle.size)

    def _commit(self, upload: Upload) -> None:
        upload.commit()
        source, name = upload.source, upload.name
        if upload.superseded:
            self._tell_superseded(source, name)
        message = f"{shown(name)}  {so_many(upload.size, 'byte')} from {self._user}"
        self._tell("uploaded", message, source=source, name=name, size=upload.size, sha256=upload.sha256)
        if not is_temporary(name):
            self._uploaded(source)

    def _tell_superseded(self, source: str, name: str) -> None:
        self._tell("superseded", f"an older {shown(name)} still waited; both are kept", source=source, name=name)

    def _read(self, fields: Fields) -> Reply:
        file, offset, length = self._file(fields), fields.large(), fields.number()
        length = min(length, protocol.DATA_BYTES_MAX)
        if len(self._room) < length:
            self._room = memoryview(bytearray(length))
        data = file.read(offset, self._room[:length])
        if not data:
            return protocol.status("end of file") if length else (protocol.DATA, protocol.string(b""))
        return protocol.DATA, struct.pack(">I", len(data)), data  # not `string`, which would copy it

    def _write(self, fields: Fields) -> Reply:
        file, offset = self._file(fields), fields.large()
        file.write(offset, fields.data())
        return protocol.OK

    def _stat(self, fields: Fields) -> Reply:
        return protocol.ATTRS, protocol.attributes(self._jail.stat(self._path(fields)))

    def _fstat(self, fields: Fields) -> Reply:
        return protocol.ATTRS, protocol.attributes(self._file(fields).stat())

    def _setstat(self, fields: Fields) -> Reply:
        where = self._path(fields)
        size, modified = fields.attributes()
        if size is not None and size != self._jail.stat(where).size:
            raise Reject("permission denied", f"{where} can no longer be cut")
        if modified is not None:
            self._jail.touch(where, modified)
        return protocol.OK

    def _fsetstat(self, fields: Fields) -> Reply:
        file = self._file(fields)
        size, modified = fields.attributes()
        if not isinstance(file, Upload):
            raise Reject("permission denied", "the file was opened for reading")
        if size is not None:
            file.truncate(size)
        if modified is not None:
            file.touch(modified)
        return protocol.OK

    def _opendir(self, fields: Fields) -> Reply:
        where = self._path(fields)
        listed = sum(isinstance(handle, Listing) for handle in self._handles.values())
        if listed >= _LISTINGS_MAX or len(self._handles) >= self._limits.handles:
            raise Reject("failure", f"at most {_LISTINGS_MAX} folders can be open at a time")
        return self._opened(Listing(self._jail.list(where)), where)

    def _readdir(self, fields: Fields) -> Reply:
        listing = self._handle(fields)
        if not isinstance(listing, Listing):
            raise Reject("failure", "the handle is not that of a folder")
        entries = listing.next()
        if not entries:
            return protocol.status("end of file")
        names = (
            protocol.string(e.name) + protocol.string(protocol.long_name(e)) + protocol.attributes(e) for e in entries
        )
        return protocol.NAME, struct.pack(">I", len(entries)) + b"".join(names)

    def _realpath(self, fields: Fields) -> Reply:
        path = str(self._path(fields))
        return protocol.NAME, struct.pack(">I", 1) + protocol.string(path) + protocol.string(path) + struct.pack(
            ">I", 0
        )

    def _remove(self, fields: Fields) -> Reply:
        where = self._path(fields)
        self._jail.remove(where)
        message = f"{self._user} removed {shown(str(where))}"
        self._tell("removed", message, source=self._jail.lane(where).source, name=where.name)
        return protocol.OK

    def _rename(self, fields: Fields) -> Reply:
        return self._move(fields, replace=False)

    def _move(self, fields: Fields, *, replace: bool) -> Reply:
        source, target = self._path(fields), self._path(fields)
        entry, superseded = self._jail.rename(source, target, replace=replace)
        source_of = self._jail.lane(target).source
        if superseded:
            self._tell_superseded(source_of, entry.name)
        message = f"{shown(str(source))} is now {shown(entry.name)}, {so_many(entry.size, 'byte')}"
        self._tell("renamed", message, source=source_of, name=entry.name, size=entry.size)
        if not is_temporary(entry.name):
            self._uploaded(source_of)
        return protocol.OK

    def _mkdir(self, fields: Fields) -> Reply:
        where = self._path(fields)
        if where.name is None:
            raise Reject("failure", f"{where} exists already")
        raise Reject("permission denied", "folders cannot be made here; send files to /inbox")

    def _forbidden(self, fields: Fields) -> Reply:
        with suppress(Reject):  # one path, or the two of a link; what is wrong with them is not what is answered
            self._about += [fields.text()]
            self._about += [fields.text()]
        raise Reject("permission denied", "folders and links of this server stay as they are")

    def _extended(self, fields: Fields) -> Reply:
        return self._extensions.get(fields.text(), self._unsupported)(fields)

    def _posix_rename(self, fields: Fields) -> Reply:
        return self._move(fields, replace=True)

    def _fsync(self, fields: Fields) -> Reply:
        file = self._file(fields)
        if isinstance(file, Upload):
            file.sync()
        return protocol.OK

    def _limits_reply(self, _fields: Fields) -> Reply:
        sizes = (PACKET_BYTES_MAX, protocol.DATA_BYTES_MAX, protocol.DATA_BYTES_MAX, self._limits.handles)
        return protocol.EXTENDED_REPLY, struct.pack(">QQQQ", *sizes)

    def _tell(
        self, what: str, message: str, *, problem: bool = False, source: str | None = None, name: str | None = None,
        size: int | None = None, sha256: str | None = None,
    ) -> None:  # fmt: skip
        partner = self._jail.partner
        source = source or f"drop://{partner}"
        self._tell_to(Activity(what, message, problem, source, partner, self._user, self._address, name, size, sha256))
