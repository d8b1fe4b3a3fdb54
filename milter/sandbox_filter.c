/*
 * sandbox_filter.c - the system calls that the daemon keeps.
 */
#include "sandbox_parts.h"

#ifndef HAVE_SECCOMP

int
sandbox_filter(void)
{
	return 0;
}

const char *
sandbox_lacks(void)
{
	return ", no system call filter";
}

#else

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"

/* clang-format off */

/*
 * By name, since not every machine has each. What is in no table fails with
 * EPERM. t/unit.t sees to it that the systemd unit allows all of these.
 */
static const char *const allowed[] = {
	/* sessions: libmilter, the control socket, asking ourselves */
	"accept", "accept4", "connect", "getpeername", "getsockname",
	"getsockopt", "poll", "ppoll", "pselect6", "read", "readv", "recv",
	"recvfrom", "recvmsg", "select", "_newselect", "send", "sendmsg",
	"sendto", "setsockopt", "shutdown", "write", "writev",
	/* files: a reload, the protocol log, what back pressure looks at */
	"_llseek", "access", "close", "close_range", "dup", "dup2", "dup3",
	"faccessat", "faccessat2", "fchmod", "fcntl", "fcntl64", "fdatasync",
	"flock", "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64",
	"fsync", "ftruncate", "ftruncate64", "getcwd", "getdents",
	"getdents64", "lseek", "lstat", "lstat64", "memfd_create",
	"newfstatat", "open", "openat", "pread64", "pwrite64", "readlink",
	"readlinkat", "stat", "stat64", "statfs", "statfs64", "statx", "umask",
	"unlink", "unlinkat",
	/* pipes and the like between threads */
	"epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "eventfd2",
	"pipe", "pipe2", "socketpair",
	/* memory; mmap and mprotect are below */
	"brk", "madvise", "membarrier", "mlock", "mremap", "munmap",
	/* threads, as the C library makes, wakes and ends them */
	"exit", "exit_group", "futex", "futex_time64", "get_robust_list",
	"gettid", "getcpu", "rseq", "sched_getaffinity", "sched_getparam",
	"sched_getscheduler", "sched_yield", "set_robust_list",
	"set_tid_address", "arch_prctl", "set_thread_area", "set_tls",
	/* signals */
	"restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
	"rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "sigaltstack", "sigreturn",
	/* time, where the kernel does not show it without a call */
	"clock_getres", "clock_getres_time64", "clock_gettime",
	"clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64",
	"gettimeofday", "nanosleep", "time",
	/* who and where we are, and how much of it there is */
	"getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32",
	"getgroups", "getgroups32", "getpid", "getppid", "getrandom",
	"getresgid", "getresuid", "getrlimit", "getrusage", "getuid",
	"getuid32", "sysinfo", "ugetrlimit", "uname",
};

/* Only somebody who is not us calls these: the end of the process. */
static const char *const deadly[] = {
	/* other programs and processes; clone is below */
	"execve", "execveat", "fork", "vfork",
	/* other processes' memory and descriptors */
	"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd",
	"kcmp",
	/* somebody else's rights */
	"setuid", "setuid32", "setgid", "setgid32", "setreuid", "setreuid32",
	"setregid", "setregid32", "setresuid", "setresuid32", "setresgid",
	"setresgid32", "setgroups", "setgroups32", "setfsuid", "setfsgid",
	"capset",
	/* another world */
	"chroot", "mount", "umount", "umount2", "move_mount", "open_tree",
	"fsopen", "fsmount", "pivot_root", "setns", "unshare",
	"open_by_handle_at",
	/* the kernel itself */
	"add_key", "bpf", "delete_module", "finit_module", "init_module",
	"io_uring_setup", "ioperm", "iopl", "kexec_file_load", "kexec_load",
	"keyctl", "modify_ldt", "perf_event_open", "personality", "reboot",
	"request_key", "swapoff", "swapon", "userfaultfd",
};

/* clang-format on */

#ifdef __s390__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

#define IS(arg, value) SCMP_CMP64(arg, SCMP_CMP_EQ, (scmp_datum_t)(value), 0)
#define HAS(arg, mask, value) \
	SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, (scmp_datum_t)(mask), \
	    (scmp_datum_t)(value))

/* 0, or a negative errno; what the machine does not have is no fault. */
static int
add_each(scmp_filter_ctx filter, uint32_t action, const char *const *names,
    size_t count)
{
	int error = 0;

	for (size_t i = 0; i < count && error == 0; i++) {
		const int call = seccomp_syscall_resolve_name(names[i]);

		if (call != __NR_SCMP_ERROR)
			error = seccomp_rule_add(filter, action, call, 0);
	}
	return error;
}

/* A call that is judged by one of its arguments. */
struct judged {
	uint32_t action;
	const char *name;
	struct scmp_arg_cmp arg;
};

/*
 * The flags of clone3 are not to be seen from here: without it the C library
 * takes clone, for threads and for processes.
 */
static int
add_judged(scmp_filter_ctx filter)
{
	const uint32_t allow = SCMP_ACT_ALLOW;
	const struct judged table[] = {
		{ allow, "clone",
		    HAS(CLONE_FLAGS, CLONE_THREAD, CLONE_THREAD) },
		{ SCMP_ACT_KILL_PROCESS, "clone",
		    HAS(CLONE_FLAGS, CLONE_THREAD, 0) },
		{ allow, "mmap", HAS(2, PROT_EXEC, 0) },
		{ allow, "mmap2", HAS(2, PROT_EXEC, 0) },
		{ allow, "mprotect", HAS(2, PROT_EXEC, 0) },
		{ allow, "socket", IS(0, AF_UNIX) },
		{ allow, "socket", IS(0, AF_INET) },
		{ allow, "socket", IS(0, AF_INET6) },
		{ allow, "ioctl", IS(1, FIONBIO) },
		{ allow, "ioctl", IS(1, FIONREAD) },
		{ allow, "prctl", IS(0, PR_SET_NAME) },
		{ allow, "prctl", IS(0, PR_GET_NAME) },
		{ allow, "kill", IS(0, getpid()) },
		{ allow, "tgkill", IS(0, getpid()) },
		/* How many descriptors may be: asked, not set. */
		{ allow, "prlimit64", IS(2, 0) },
	};
	int error = seccomp_rule_add(
	    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	for (size_t i = 0; i < nitems(table) && error == 0; i++) {
		const int call = seccomp_syscall_resolve_name(table[i].name);

		if (call != __NR_SCMP_ERROR)
			error = seccomp_rule_add_array(
			    filter, table[i].action, call, 1, &table[i].arg);
	}
	return error;
}

/* Other machines' calls, such as those of 32 bits, are deadly too. */
static int
fill_and_load(scmp_filter_ctx filter)
{
	int error = seccomp_attr_set(
	    filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	/* Without it the filter is slower, and no other. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (error == 0)
		error =
		    add_each(filter, SCMP_ACT_ALLOW, allowed, nitems(allowed));
	if (error == 0)
		error = add_each(
		    filter, SCMP_ACT_KILL_PROCESS, deadly, nitems(deadly));
	if (error == 0)
		error = add_judged(filter);
	return error == 0 ? seccomp_load(filter) : error;
}

int
sandbox_filter(void)
{
	const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error = -ENOMEM;

	if (filter != NULL) {
		error = fill_and_load(filter);
		seccomp_release(filter);
	}
	if (error == 0)
		return 0;
	log_line(LOG_ERR,
	    "cannot give up system calls: %s; a systemd unit has to allow "
	    "seccomp (SystemCallFilter=); for a kernel without filters of "
	    "system calls build with SECCOMP=no",
	    strerror(-error));
	return EX_OSERR;
}

const char *
sandbox_lacks(void)
{
	return "";
}

#endif
