package servers

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Ports, and the cluster bus ports 10000 above them, are below every system's ephemeral range (Linux: from 32768). A
// free port there stays free until a process asks for it by number: a killed server finds its port again, and a client
// that redials a dead port cannot connect to itself, which TCP allows if the kernel picks the same port for the
// client's side.
const (
	portFirst     = 11000
	portLast      = 21999
	busPortOffset = 10000
)

// IPv4Loopback is the default address of everything that listens.
const IPv4Loopback = "127.0.0.1"

// Port is a reserved port number. Other processes that use this package do not take it until Release, even while its
// server is dead.
type Port struct {
	host   string
	number int
	lock   *os.File
}

// ReservePort reserves a port of a loopback address that is free, as is its bus port, and not reserved by another
// process.
func ReservePort(host string) (*Port, error) {
	dir := filepath.Join(os.TempDir(), "evergate-ports-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for range 1000 {
		number := portFirst + rand.IntN(portLast-portFirst+1)
		lock, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(number)), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		locked := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
		if locked && bindable(host, number) && bindable(host, number+busPortOffset) {
			return &Port{host: host, number: number, lock: lock}, nil
		}
		_ = lock.Close()
	}
	return nil, errors.New("no free port found")
}

// Release ends the reservation.
func (p *Port) Release() { _ = p.lock.Close() }

// Addr returns HOST:PORT.
func (p *Port) Addr() string { return net.JoinHostPort(p.host, strconv.Itoa(p.number)) }

func bindable(host string, number int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(number)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
