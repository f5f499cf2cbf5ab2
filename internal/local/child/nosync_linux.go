package child

import (
	"runtime"
	"syscall"
	"unsafe"
)

// Numbers of <linux/prctl.h>, <linux/seccomp.h> and <linux/audit.h>.
const (
	prSetSeccomp      = 22
	prSetNoNewPrivs   = 38
	seccompModeFilter = 2
	seccompRetErrno   = 0x00050000 // with errno 0: the call is skipped and succeeds
	seccompRetAllow   = 0x7fff0000

	offsetNumber = 0 // of the system call, in struct seccomp_data
	offsetArch   = 4
)

// skipSync makes fsync and fdatasync do nothing, and succeed, for the calling thread and for the processes it
// forks from now on. The thread must be locked. Where the kernel does not allow it, they go on to sync.
// Source: seccomp(2); systemd-nspawn --suppress-sync does the same.
func skipSync() {
	arch, ok := map[string]uint32{"amd64": 0xc000003e, "arm64": 0xc00000b7}[runtime.GOARCH]
	if !ok {
		return
	}
	const (
		load  = syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS
		equal = syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K
		done  = syscall.BPF_RET | syscall.BPF_K
	)
	filter := []syscall.SockFilter{
		{Code: load, K: offsetArch},
		{Code: equal, K: arch, Jf: 3}, // another architecture has other numbers: allow
		{Code: load, K: offsetNumber},
		{Code: equal, K: syscall.SYS_FSYNC, Jt: 2},
		{Code: equal, K: syscall.SYS_FDATASYNC, Jt: 1},
		{Code: done, K: seccompRetAllow},
		{Code: done, K: seccompRetErrno},
	}
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// An unprivileged thread may filter itself once it has given up gaining privileges.
	if _, _, e := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); e != 0 {
		return
	}
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetSeccomp, seccompModeFilter, uintptr(unsafe.Pointer(&program)))
}
