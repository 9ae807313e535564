# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The default seccomp profile of `strict`, in the engine's own format. Pure data.

It lists what programs need, by what they do with it. Against the engine's profile it leaves out what exploits of the
kernel keep using and servers do without: io_uring, ptrace and its kin, user and other namespaces, keys, userfaultfd,
bpf and perf, mounts, sockets of any family but UNIX, IP and routing, and programs of 32 bits. No capability gives any
of them back. A container that needs more names a profile of its own.
"""

from __future__ import annotations

import json
import typing as t

EPERM, ENOSYS = 1, 38
_ALLOW, _DENY = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
# CLONE_NEW* of clone(2): mount, cgroup, uts, ipc, user, pid and network namespaces.
_NEW_NAMESPACES = 0x7E020000
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE = 0
_PERSONALITY_ASK = 0xFFFFFFFF

_GROUPS: dict[str, str] = {
    "files": """access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
        fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock
        fremovexattr fsetxattr fstat fstatfs fsync ftruncate futimesat getcwd getdents getdents64 getxattr getxattrat
        inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl lchown lgetxattr link linkat listxattr
        listxattrat llistxattr lremovexattr lseek lsetxattr lstat mkdir mkdirat mknod mknodat newfstatat open openat
        openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv
        removexattr removexattrat rename renameat renameat2 rmdir sendfile setxattr setxattrat splice stat statfs statx
        symlink symlinkat sync sync_file_range syncfs tee truncate umask unlink unlinkat utime utimensat utimes
        vmsplice write writev""",
    "memory": """brk madvise membarrier memfd_create mincore mlock mlock2 mlockall mmap mprotect mremap mseal msync
        munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect shmat shmctl shmdt shmget cachestat
        map_shadow_stack""",
    "processes": """capget capset execve execveat exit exit_group fork getegid geteuid getgid getgroups getpgid getpgrp
        getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid getuid kill pause
        pidfd_open pidfd_send_signal prctl prlimit64 process_mrelease sched_get_priority_max sched_get_priority_min
        sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity
        sched_setattr sched_setparam sched_setscheduler sched_yield setfsgid setfsuid setgid setgroups setpgid
        setpriority setregid setresgid setresuid setreuid setrlimit setsid setuid ioprio_get ioprio_set tgkill tkill
        uname vfork wait4 waitid getcpu""",
    "threads": """futex futex_requeue futex_wait futex_waitv futex_wake get_robust_list get_thread_area
        restart_syscall rseq set_robust_list set_thread_area set_tid_address""",
    "signals": """rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
        rt_sigtimedwait rt_tgsigqueueinfo sigaltstack signalfd signalfd4""",
    "time": """alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time
        timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime
        timerfd_settime times adjtimex clock_adjtime""",
    "waiting": """epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
        epoll_wait_old eventfd eventfd2 io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit poll ppoll
        pselect6 select""",
    "network": """accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmsg
        send sendmmsg sendmsg sendto setsockopt shutdown socketpair""",
    "messages": """mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd
        semctl semget semop semtimedop""",
    "own confinement": "landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp",
    "the machine": "getrandom sysinfo",
}
# What one processor has beside.
_OF_ARCHITECTURES = {
    "arch_prctl": ("amd64",),
    "riscv_flush_icache": ("riscv64",),
    "riscv_hwprobe": ("riscv64",),
    "sync_file_range2": ("ppc64le", "arm64"),
    "swapcontext": ("ppc64le",),
}
# A program that finds these missing has another way; one that is forbidden to use them may give up.
_MISSING = ("clone3", "io_uring_enter", "io_uring_register", "io_uring_setup")
_ARCHITECTURES = ("X86_64", "AARCH64", "PPC64LE", "S390X", "RISCV64")


def profile() -> dict[str, t.Any]:
    """The profile as an object."""
    names = sorted({name for group in _GROUPS.values() for name in group.split()})
    rules: list[dict[str, t.Any]] = [{"names": names, "action": _ALLOW}]
    rules += [
        {"names": [name], "action": _ALLOW, "includes": {"arches": list(arches)}}
        for name, arches in _OF_ARCHITECTURES.items()
    ]
    rules.append({"names": ["chroot"], "action": _ALLOW, "includes": {"caps": ["CAP_SYS_CHROOT"]}})
    for family in (_AF_UNIX, _AF_INET, _AF_INET6):
        rules.append(_with("socket", _equal(0, family)))
    rules.append(_with("socket", _equal(0, _AF_NETLINK), _equal(2, _NETLINK_ROUTE)))
    rules += [_with("personality", _equal(0, value)) for value in (0, _PERSONALITY_ASK)]
    no_namespace = {"value": _NEW_NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    s390 = ["s390", "s390x"]
    rules.append({**_with("clone", {"index": 0, **no_namespace}), "excludes": {"arches": s390}})
    # There the flags are the second argument.
    rules.append({**_with("clone", {"index": 1, **no_namespace}), "includes": {"arches": s390}})
    rules.append({"names": list(_MISSING), "action": _DENY, "errnoRet": ENOSYS})
    return {
        "defaultAction": _DENY,
        "defaultErrnoRet": EPERM,
        "archMap": [{"architecture": f"SCMP_ARCH_{name}", "subArchitectures": []} for name in _ARCHITECTURES],
        "syscalls": rules,
    }


def text() -> str:
    """The profile as the file's text."""
    return json.dumps(profile(), indent=1) + "\n"


def _with(name: str, *conditions: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"names": [name], "action": _ALLOW, "args": list(conditions)}


def _equal(index: int, value: int) -> dict[str, t.Any]:
    return {"index": index, "value": value, "op": "SCMP_CMP_EQ"}
