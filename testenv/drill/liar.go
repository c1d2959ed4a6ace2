package drill

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// liar is a fake Sentinel: it answers the commands of Sentinel clients, publishes the drill's events, and monitors no
// server.
type liar struct {
	addr   string
	master string
	// asked counts the questions about the master.
	asked atomic.Int64

	listener net.Listener
	running  sync.WaitGroup

	mu sync.Mutex
	// guarded by mu:
	named       string // HOST:PORT
	epoch       int
	subscribers map[net.Conn]struct{}
	open        map[net.Conn]struct{}
}

// startLiar starts it, with TLS if config is set.
func startLiar(master, named string, config *tls.Config) (*liar, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	l := &liar{addr: listener.Addr().String(), master: master, named: named, listener: listener,
		subscribers: map[net.Conn]struct{}{}, open: map[net.Conn]struct{}{}}
	l.running.Go(l.accept)
	return l, nil
}

func (l *liar) close() {
	_ = l.listener.Close()
	l.mu.Lock()
	for conn := range l.open {
		_ = conn.Close()
	}
	l.mu.Unlock()
	l.running.Wait()
}

// publish changes the primary that it names, and publishes that as a failover if old is not empty.
func (l *liar) publish(named string, epoch int, old string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.named, l.epoch = named, epoch
	if old == "" {
		return
	}
	spaced := func(addr string) string { return strings.ReplaceAll(addr, ":", " ") }
	payload := fmt.Sprintf("%s %s %s", l.master, spaced(old), spaced(named))
	for conn := range l.subscribers {
		_, _ = conn.Write(bulks("pmessage", "*", "+switch-master", payload))
	}
}

func (l *liar) accept() {
	for {
		conn, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			l.running.Go(func() { l.serve(conn) })
		}
	}
}

func (l *liar) serve(conn net.Conn) {
	l.mu.Lock()
	l.open[conn] = struct{}{}
	l.mu.Unlock()
	defer func() {
		_ = conn.Close()
		l.mu.Lock()
		delete(l.open, conn)
		delete(l.subscribers, conn)
		l.mu.Unlock()
	}()
	for r := bufio.NewReader(conn); ; {
		args, err := readCommand(r)
		if err != nil {
			return
		}
		if _, err := conn.Write(l.answer(conn, args)); err != nil {
			return
		}
	}
}

func (l *liar) answer(conn net.Conn, args []string) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	host, port, _ := strings.Cut(l.named, ":")
	word := strings.ToUpper(args[0])
	if word == "SENTINEL" && len(args) > 1 {
		word = strings.ToUpper(args[1])
	}
	switch word {
	case "PING":
		return []byte("+PONG\r\n")
	case "PSUBSCRIBE", "SUBSCRIBE":
		l.subscribers[conn] = struct{}{}
		var acks []byte
		for i, channel := range args[1:] {
			acks = fmt.Appendf(acks, "*3\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n:%d\r\n", len(word), strings.ToLower(word),
				len(channel), channel, i+1)
		}
		return acks
	case "MYID":
		return bulk(strings.Repeat("1", 40))
	case "GET-MASTER-ADDR-BY-NAME":
		l.asked.Add(1)
		return bulks(host, port)
	case "MASTER":
		l.asked.Add(1)
		return bulks("name", l.master, "ip", host, "port", port, "runid", "", "flags", "master", "num-slaves", "0",
			"num-other-sentinels", "3", "quorum", "2", "config-epoch", strconv.Itoa(l.epoch),
			"down-after-milliseconds", strconv.FormatInt(downAfter.Milliseconds(), 10),
			"failover-timeout", strconv.FormatInt(failoverTimeout.Milliseconds(), 10))
	case "REPLICAS", "SLAVES", "SENTINELS":
		return []byte("*0\r\n")
	}
	return []byte("-ERR unknown command\r\n")
}

func bulk(text string) []byte { return fmt.Appendf(nil, "$%d\r\n%s\r\n", len(text), text) }

func bulks(texts ...string) []byte {
	all := fmt.Appendf(nil, "*%d\r\n", len(texts))
	for _, text := range texts {
		all = append(all, bulk(text)...)
	}
	return all
}

// readCommand reads an array of bulk strings, as all clients send them.
func readCommand(r *bufio.Reader) ([]string, error) {
	count, err := readLength(r, '*')
	if err != nil || count < 1 || count > 64 {
		return nil, errors.Join(err, errors.New("this is no command"))
	}
	args := make([]string, count)
	for i := range args {
		size, err := readLength(r, '$')
		if err != nil || size < 0 || size > 4096 {
			return nil, errors.Join(err, errors.New("this is no argument"))
		}
		text := make([]byte, size+2)
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, err
		}
		args[i] = string(text[:size])
	}
	return args, nil
}

func readLength(r *bufio.Reader, kind byte) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil || len(line) < 3 || line[0] != kind {
		return 0, errors.Join(err, errors.New("this is not RESP"))
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}
