"""A start-up hook that makes Python on Linux behave as on macOS or Windows, as far as a program can notice.

Python runs a module of this name when it starts, where its folder is on PYTHONPATH. NN_CORE_PLAYS says which system:

* "macos": no processor affinity, no /proc and /sys, no fork.
* "windows": besides, no user ids, process groups and POSIX modules, only Windows' signals; no folder can be opened, no
  file that is open for reading only is forced to the disk, no open or mapped file is renamed or deleted, no rename hits
  an existing name (os.replace may, with files), and no new name is one that Windows forbids or lies deeper than 120
  characters below NN_CORE_RUNS.

What it cannot play: path separators, drive letters, the encoding of the console, the compiled libraries themselves.
Libraries keep the code that they have for Linux, so those that talk to the system are imported before it changes.
"""

import asyncio  # noqa: F401
import builtins
import errno
import fcntl
import importlib.util
import io
import multiprocessing
import os
import re
import shutil
import signal
import stat
import subprocess  # noqa: F401
import sys
import tempfile  # noqa: F401

import filelock  # noqa: F401
import numpy  # noqa: F401
import psutil  # noqa: F401

WINDOWS = os.environ["NN_CORE_PLAYS"] == "windows"
RUNS = os.environ.get("NN_CORE_RUNS", "")
GONE = ["sched_getaffinity", "sched_setaffinity", "fork", "forkpty", "register_at_fork"]
GONE_ON_WINDOWS = (
    "getuid geteuid getgid getegid getpgid getpgrp setpgid setsid killpg sysconf uname getloadavg mkfifo chown nice "
    "wait3 wait4 set_blocking get_blocking statvfs O_DIRECTORY posix_fadvise"
).split()
MODULES = ["fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "uvloop"]
SIGNALS = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM"}
FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\\]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$', re.IGNORECASE)
DEEPEST = 120
real = {name: getattr(os, name) for name in ("open", "stat", "readlink", "listdir", "fsync", "fstat")}
real_getfl, real_open = fcntl.fcntl, io.open
GETFL, READ_ONLY, KIND = fcntl.F_GETFL, os.O_RDONLY, os.O_ACCMODE


def called_by_system() -> bool:
    """Whether psutil, filelock or tempfile calls: they have other code on other systems."""
    frame = sys._getframe(2)
    while frame is not None:
        folder, file = os.path.split(frame.f_code.co_filename)
        if file == "tempfile.py" or os.path.basename(folder) in ("psutil", "_native", "_filesystem", "filelock"):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def is_linux_only(path: object) -> bool:
    """Whether a path exists on Linux alone."""
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
    return isinstance(text, str) and text.startswith(("/proc", "/sys/")) and not called_by_system()


def missing(path: object) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "No such file or directory", path)


def check_new_name(path: object) -> None:
    """Refuses what Windows cannot store."""
    if not WINDOWS or not isinstance(path, (str, os.PathLike)):
        return
    text = os.path.abspath(os.fspath(path))
    below = os.path.relpath(text, RUNS) if RUNS and text.startswith(RUNS + os.sep) else ""
    if FORBIDDEN.search(os.path.basename(text)) or len(below.partition(os.sep)[2]) > DEEPEST:
        raise OSError(errno.EINVAL, "The filename, directory name, or volume label syntax is incorrect", text)


def in_use(path: str) -> bool:
    """Whether this process has a file open or mapped, or one below a folder."""
    text = os.path.abspath(os.fspath(path))
    held = []
    for number in real["listdir"]("/proc/self/fd"):
        try:
            held.append(real["readlink"](f"/proc/self/fd/{number}"))
        except OSError:
            continue  # the descriptor of the listing itself
    with real_open("/proc/self/maps", encoding="utf-8") as maps:
        held += [line.split(maxsplit=5)[5].strip() for line in maps if line.count("/")]
    return any(name == text or name.startswith(text + "/") for name in held)


def refuse_if_in_use(path: object) -> None:
    if not WINDOWS or not isinstance(path, (str, os.PathLike)):
        return
    if in_use(os.fspath(path)) and not called_by_system():
        raise PermissionError(errno.EACCES, "The process cannot access the file because it is being used", path)


def guarded(function, check):
    """The function, after a check of its arguments."""

    def call(*arguments, **options):
        check(*arguments, **options)
        return function(*arguments, **options)

    return call


def check_open(file, mode="r", *_, **__) -> None:
    if is_linux_only(file):
        raise missing(file)
    if not isinstance(file, int) and any(kind in mode for kind in "wax+"):
        check_new_name(file)


def check_os_open(path, flags, *_, **__) -> None:
    if is_linux_only(path):
        raise missing(path)
    if not WINDOWS:
        return
    if os.path.isdir(path):
        raise PermissionError(errno.EACCES, "Permission denied", path)
    if flags & os.O_CREAT:
        check_new_name(path)


def check_path(path, *_, **__) -> None:
    if is_linux_only(path):
        raise missing(path)


def check_rename(source, target, *_, **__) -> None:
    refuse_if_in_use(source)
    check_new_name(target)
    if WINDOWS and os.path.exists(target):
        raise FileExistsError(errno.EEXIST, "Cannot create a file when that file already exists", target)


def check_replace(source, target, *_, **__) -> None:
    refuse_if_in_use(source)
    refuse_if_in_use(target)
    check_new_name(target)
    if WINDOWS and os.path.isdir(target):
        raise PermissionError(errno.EACCES, "Access is denied", target)


def check_fsync(descriptor, *_) -> None:
    if WINDOWS and real_getfl(descriptor, GETFL) & KIND == READ_ONLY:
        raise OSError(errno.EBADF, "Bad file descriptor")


def check_signal(number, *_) -> None:
    if signal.Signals(number).name not in SIGNALS:
        raise ValueError("invalid signal value")


def check_wakeup(descriptor, **_) -> None:
    if descriptor != -1 and not stat.S_ISSOCK(real["fstat"](descriptor).st_mode):
        raise OSError(errno.EBADF, "no socket: Windows wakes up nobody else")


for name in GONE + (GONE_ON_WINDOWS if WINDOWS else []):
    if hasattr(os, name):
        delattr(os, name)
if importlib.util.find_spec("nest_asyncio") is None:
    MODULES.remove("uvloop")  # Orbax needs one of them
os.process_cpu_count = os.cpu_count  # type: ignore[attr-defined]  # from 3.13 on; on Linux by the affinity
for name in MODULES if WINDOWS else []:
    sys.modules[name] = None  # type: ignore[assignment]
multiprocessing.set_start_method("spawn")
builtins.open = io.open = guarded(io.open, check_open)
os.open = guarded(os.open, check_os_open)
for name in ("stat", "lstat", "listdir", "scandir", "readlink"):
    setattr(os, name, guarded(getattr(os, name), check_path))
os.rename, os.replace = guarded(os.rename, check_rename), guarded(os.replace, check_replace)
os.fsync = guarded(os.fsync, check_fsync)
os.mkdir = guarded(os.mkdir, lambda path, *_, **__: check_new_name(path))
os.unlink = guarded(os.unlink, lambda path, *_, **__: refuse_if_in_use(path))
os.remove = os.unlink
if WINDOWS:
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    for name in [name for name in vars(signal) if re.fullmatch("SIG[A-Z0-9]+", name) and name not in SIGNALS]:
        delattr(signal, name)
    for name in ("setitimer", "alarm", "pthread_sigmask", "sigwait", "pause"):
        delattr(signal, name)
    signal.signal = guarded(signal.signal, check_signal)
    signal.set_wakeup_fd = guarded(signal.set_wakeup_fd, check_wakeup)
