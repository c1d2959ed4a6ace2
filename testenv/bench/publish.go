//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"evergate/testenv/servers"
)

const subscribers = 1_000

// publishAhead are the numbers of messages that may be in flight: another is published when one has reached all
// subscribers. So the rate is that of the deliveries, and no subscriber is closed as too slow.
var publishAhead = [...]int{1, 8, 64}

// audience has the subscribers of one channel and its publisher: one thread and one epoll.
type audience struct {
	channel   string
	ahead     int
	epoll     int
	fds       []int // the last one publishes
	got       []int // received bytes, by index in fds
	published int
	delivered int // messages
	message   []byte
	publish   []byte
	reply     []byte
	buf       []byte
}

// delivered returns how many messages a second reach their subscribers. It compares every byte with the right one.
// channel must not have been used before: its last messages may still be in flight when its audience has left.
func delivered(ctx context.Context, addr, channel string, ahead int, measured time.Duration) (rate float64, err error) {
	text := string(value(0))
	a := &audience{
		channel: channel, ahead: ahead,
		message: servers.AppendCommand(nil, "message", channel, text),
		publish: servers.AppendCommand(nil, "PUBLISH", channel, text),
		reply:   fmt.Appendf(nil, ":%d\r\n", subscribers),
		got:     make([]int, subscribers+1), buf: make([]byte, 64<<10),
	}
	defer a.close()
	if err := a.connect(addr); err != nil {
		return 0, err
	}
	if err := a.until(ctx, measured/7); err != nil {
		return 0, err
	}
	from, before := time.Now(), a.delivered
	if err := a.until(ctx, measured); err != nil {
		return 0, err
	}
	return float64(a.delivered-before) / time.Since(from).Seconds(), nil
}

func (a *audience) connect(addr string) (err error) {
	if a.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	subscribe := servers.AppendCommand(nil, "SUBSCRIBE", a.channel)
	for i := range subscribers + 1 {
		fd, err := dial(addr)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
		a.fds = append(a.fds, fd)
		if i < subscribers {
			if _, err := unix.Write(fd, subscribe); err != nil {
				return err
			}
		}
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
		if err := unix.EpollCtl(a.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
			return err
		}
	}
	return a.subscribed()
}

// subscribed reads the acknowledgements of all subscribers.
func (a *audience) subscribed() error {
	want := servers.AppendCommand(nil, "subscribe", a.channel)
	want = append(bytes.Replace(want, []byte("*2"), []byte("*3"), 1), ":1\r\n"...)
	end := time.Now().Add(10 * time.Second)
	for i := range subscribers {
		for got := 0; got < len(want); {
			n, err := unix.Read(a.fds[i], a.buf)
			switch {
			case err == unix.EAGAIN && time.Now().Before(end):
				_, _ = unix.Poll([]unix.PollFd{{Fd: int32(a.fds[i]), Events: unix.POLLIN}}, 100)
			case err != nil:
				return fmt.Errorf("subscriber %d: %w", i+1, err)
			case n == 0 || !bytes.HasPrefix(want[got:], a.buf[:n]):
				return fmt.Errorf("subscriber %d was told %q", i+1, a.buf[:n])
			default:
				got += n
			}
		}
	}
	return nil
}

// until publishes at the rate of the deliveries, and reads, for so long.
func (a *audience) until(ctx context.Context, long time.Duration) error {
	events := make([]unix.EpollEvent, 256)
	heard := time.Now()
	for end := heard.Add(long); time.Now().Before(end); {
		if err := ctx.Err(); err != nil {
			return err
		}
		for a.published*subscribers < a.delivered+a.ahead*subscribers {
			if _, err := unix.Write(a.fds[subscribers], a.publish); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
			a.published++
		}
		n, err := unix.EpollWait(a.epoll, events, 100)
		if err != nil && err != unix.EINTR {
			return err
		}
		if n > 0 {
			heard = time.Now()
		} else if time.Since(heard) > 10*time.Second {
			return errors.New("no message for 10 s")
		}
		for i := range max(n, 0) {
			if err := a.receive(int(events[i].Fd)); err != nil {
				return err
			}
		}
	}
	return nil
}

// receive reads once from one connection.
func (a *audience) receive(i int) error {
	n, err := unix.Read(a.fds[i], a.buf)
	if err == unix.EAGAIN || err == unix.EINTR {
		return nil
	}
	if err != nil || n == 0 {
		return fmt.Errorf("connection %d was closed: %w", i+1, err)
	}
	frame := a.message
	if i == subscribers {
		frame = a.reply
	}
	for got := a.buf[:n]; len(got) > 0; {
		rest := frame[a.got[i]%len(frame):]
		take := min(len(rest), len(got))
		if !bytes.Equal(rest[:take], got[:take]) {
			return fmt.Errorf("connection %d: got %.60q, want %.60q", i+1, got, rest)
		}
		a.got[i] += take
		got = got[take:]
		if i < subscribers && a.got[i]%len(frame) == 0 {
			a.delivered++
		}
	}
	return nil
}

func (a *audience) close() {
	for _, fd := range a.fds {
		unix.Close(fd)
	}
	if a.epoll > 0 {
		unix.Close(a.epoll)
	}
}
