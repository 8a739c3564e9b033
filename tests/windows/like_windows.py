"""Makes a Python on POSIX lack what Windows lacks, as far as an import or a call of ours could notice."""

from __future__ import annotations

import asyncio
import multiprocessing.pool  # noqa: F401 - it and the next are loaded while everything is there
import os
import select
import signal
import subprocess  # noqa: F401
import sys

MODULES = "resource fcntl pwd grp termios tty pty syslog posix crypt nis spwd readline uvloop".split()
SIGNALS = """
    SIGHUP SIGKILL SIGCHLD SIGCLD SIGXCPU SIGXFSZ SIGALRM SIGVTALRM SIGPROF SIGUSR1 SIGUSR2 SIGQUIT SIGSTOP SIGTSTP
    SIGCONT SIGTTIN SIGTTOU SIGTRAP SIGSYS SIGBUS SIGPIPE SIGURG SIGWINCH SIGIO SIGPOLL SIGPWR SIGSTKFLT SIGRTMIN
    SIGRTMAX pthread_sigmask pthread_kill sigwait sigwaitinfo sigtimedwait sigpending alarm setitimer getitimer pause
    siginterrupt set_wakeup_fd SIG_BLOCK SIG_UNBLOCK SIG_SETMASK pidfd_send_signal
""".split()
FUNCTIONS = """
    fork forkpty getuid geteuid getgid getegid getpgid getpgrp setpgid setsid setuid setgid killpg tcgetpgrp tcsetpgrp
    wait wait3 wait4 waitid WNOHANG pidfd_open sched_getaffinity sched_setaffinity register_at_fork pread pwrite preadv
    getloadavg uname nice sysconf mkfifo statvfs fchmod fchown chown O_CLOEXEC O_NONBLOCK O_NOFOLLOW O_DIRECTORY
    eventfd memfd_create posix_spawn sendfile fdatasync set_blocking getpriority
""".split()


def become() -> None:
    """From here on; what the standard library has taken for itself before stays."""
    asyncio.run(asyncio.sleep(0))
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # what the import system takes for "not installed"
    for module, names in ((signal, SIGNALS), (os, FUNCTIONS), (select, ["poll", "epoll", "kqueue"])):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    if hasattr(os, "process_cpu_count"):  # Python 3.13's stands on what was taken away, but where the system has none
        os.process_cpu_count = os.cpu_count
