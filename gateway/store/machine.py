"""Which machine a SQLite store belongs to: locks and shared memory reach no further than one kernel.

The lock file beside the store names the machine that writes, and its time of change is that machine's last sign of life
(a write, at most every few seconds). Another machine is refused while there are such signs, takes over a minute after
the last one, and from then on the first is refused. A machine that was started again is the same one.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

SILENT_SECONDS = 60.0
_SIGN_SECONDS = 10.0
_NETWORK_FILE_SYSTEMS = (
    *("nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "davfs", "fuse.davfs2"),
    *("ceph", "fuse.ceph", "glusterfs", "fuse.glusterfs", "lustre", "beegfs", "gfs2", "ocfs2", "fuse.s3fs"),
)
_MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Machine:
    """A kernel while it runs, what outlives its next start, and a name for people."""

    boot: str
    lasting: str
    name: str


def this_machine() -> Machine:
    """The machine that we run on; containers on one kernel are one machine."""
    name = socket.gethostname()
    return Machine(_said("/proc/sys/kernel/random/boot_id") or name, f"{_said('/etc/machine-id')} {name}", name)


def _said(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


class Ownership:
    """The claim of this machine to a store. Asked under the lock of writers, whose open file is `file`."""

    def __init__(self, file: int, here: Machine) -> None:
        self._file = file
        self._here = here
        self._claim = f"{here.boot}\n{here.lasting}\n{here.name}\n".encode()

    def other(self, now: float) -> str | None:
        """The name of another machine that uses the store; None when it is ours, which is then written down.

        Raises:
            OSError: the lock file cannot be written.
        """
        claim = os.pread(self._file, 4096, 0)
        silent = abs(now - os.fstat(self._file).st_mtime)
        boot, lasting, name = (*claim.decode(errors="replace").split("\n"), "", "", "")[:3]
        if boot != self._here.boot:
            if boot and lasting != self._here.lasting and silent < SILENT_SECONDS:
                return name
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, self._claim, 0)
        elif silent < _SIGN_SECONDS:
            return None
        os.utime(self._file, (now, now))
        return None


def network_file_system(folder: Path) -> str | None:
    """The type of the file system that holds `folder`, as the kernel names it (proc(5), mountinfo), if it is shared."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    best, kind = "", ""
    resolved = str(folder.resolve())
    for line in lines:
        left, _, right = line.partition(" - ")
        mount = _OCTAL.sub(lambda found: chr(int(found[1], 8)), left.split()[4])  # a blank is \040 there
        inside = resolved == mount or resolved.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, right.split()[0]
    return kind if kind in _NETWORK_FILE_SYSTEMS else None
