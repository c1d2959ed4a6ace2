// Package terminal reads single keys from a terminal, and keeps one line on it that is rewritten in place.
package terminal

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Keyboard reads single keys from a terminal. Close restores the terminal's modes.
type Keyboard struct {
	// Pressed receives the keys; nil without a terminal, or if another program has it.
	Pressed <-chan byte

	fd     int
	before unix.Termios
	ending chan struct{}
	end    sync.Once
	reads  sync.WaitGroup
}

// KeyQuit is the key that ends the demo; a hang-up and Ctrl-\ have the same effect.
const KeyQuit = 'q'

// keyPatience is how long a read waits for a key, so that Close need not wait longer. Terminals count in tenths of a
// second.
const keyPatience = 100 * time.Millisecond

// OpenKeyboard reads keys if file and screen are a terminal and this program is in its foreground: the kernel would
// stop a program in the background for it.
func OpenKeyboard(file *os.File, screen *Screen) *Keyboard {
	k := &Keyboard{ending: make(chan struct{})}
	if file == nil || screen.columns() == 0 {
		return k
	}
	k.fd = int(file.Fd())
	before, err := unix.IoctlGetTermios(k.fd, getTermios)
	if err != nil || !k.foreground() {
		return k
	}
	k.before = *before
	if k.take() != nil {
		return k
	}
	keys, signals := make(chan byte), make(chan os.Signal, 1)
	k.Pressed = keys
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGCONT)
	k.reads.Go(func() { k.read(keys) })
	k.reads.Go(func() {
		defer signal.Stop(signals)
		k.heed(signals, keys)
	})
	return k
}

func (k *Keyboard) foreground() bool {
	group, err := unix.IoctlGetInt(k.fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// take switches the terminal to single keys without echo. Signals (Ctrl-C) and the processing of output stay as they
// are.
func (k *Keyboard) take() error {
	raw := k.before
	raw.Lflag &^= unix.ICANON | unix.ECHO
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 0, uint8(keyPatience/(100*time.Millisecond))
	return unix.IoctlSetTermios(k.fd, setTermios, &raw)
}

// read passes on keys until Close, or until the terminal is gone.
func (k *Keyboard) read(keys chan<- byte) {
	var key [1]byte
	for {
		select {
		case <-k.ending:
			return
		default:
		}
		began := time.Now()
		n, err := unix.Read(k.fd, key[:])
		switch {
		case n > 0:
			k.give(keys, key[0])
		case err == unix.EINTR:
		case err != nil || time.Since(began) < keyPatience/2:
			return // a read that returns at once: the terminal is gone
		}
	}
}

func (k *Keyboard) give(keys chan<- byte, key byte) {
	select {
	case keys <- key:
	case <-k.ending:
	}
}

// heed turns signals that would end the program without Close into KeyQuit. After a stop it takes the terminal again:
// the shell has restored its modes meanwhile.
func (k *Keyboard) heed(signals <-chan os.Signal, keys chan<- byte) {
	for {
		select {
		case <-k.ending:
			return
		case s := <-signals:
			if s != syscall.SIGCONT {
				k.give(keys, KeyQuit)
			} else if k.foreground() {
				_ = k.take() // without it a key needs Enter
			}
		}
	}
}

// Close restores the terminal. It may be called twice.
func (k *Keyboard) Close() {
	if k.Pressed == nil {
		return
	}
	k.end.Do(func() {
		close(k.ending)
		k.reads.Wait()
		if k.foreground() {
			_ = unix.IoctlSetTermios(k.fd, setTermios, &k.before) // the terminal may be gone
		}
	})
}
