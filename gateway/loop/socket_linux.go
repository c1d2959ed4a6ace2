//go:build !portable

package loop

import (
	"context"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// takeFD takes the socket out of a net.Conn, away from Go's own poller.
func takeFD(c net.Conn) (int, error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return -1, context.Canceled
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	var dupErr error
	if err := raw.Control(func(old uintptr) { fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 3) }); err != nil {
		return -1, err
	}
	if dupErr != nil {
		return -1, dupErr
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	_ = c.Close()
	return fd, nil
}

// receive reads from a socket into room, if there is any, and what comes behind that into b.
func receive(fd int, room, b []byte) (int, syscall.Errno) {
	switch {
	case len(room) == 0:
		return recv(fd, b)
	case len(b) == 0:
		return recv(fd, room)
	}
	both := [2]unix.Iovec{{Base: unsafe.SliceData(room)}, {Base: unsafe.SliceData(b)}}
	both[0].SetLen(len(room))
	both[1].SetLen(len(b))
	n, _, errno := syscall.RawSyscall(unix.SYS_READV, uintptr(fd), uintptr(unsafe.Pointer(&both)), uintptr(len(both)))
	return int(n), errno
}

// recv is a little cheaper than read, which goes through the layer of files.
func recv(fd int, b []byte) (int, syscall.Errno) {
	at := unsafe.Pointer(unsafe.SliceData(b))
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(at), uintptr(len(b)), 0, 0, 0)
	return int(n), errno
}

// send writes to a socket.
func send(fd int, b []byte) (int, syscall.Errno) {
	at := unsafe.Pointer(unsafe.SliceData(b))
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(at), uintptr(len(b)), unix.MSG_NOSIGNAL, 0, 0)
	return int(n), errno
}

// epollWait waits for milliseconds; a call that may block tells the scheduler.
func epollWait(epfd int, events []unix.EpollEvent, milliseconds int, blocks bool) int {
	call := syscall.RawSyscall6
	if blocks {
		call = syscall.Syscall6
	}
	n, _, errno := call(unix.SYS_EPOLL_PWAIT, uintptr(epfd), uintptr(unsafe.Pointer(unsafe.SliceData(events))),
		uintptr(len(events)), uintptr(milliseconds), 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}
