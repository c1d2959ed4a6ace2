package load

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"evergate/testenv/drill/ledger"
	"evergate/testenv/servers"
)

const (
	// batch is how many keys are read or removed in one pipeline.
	batch = 256
	// settlePatience is how long a write may be missing before it counts as lost: the server that answers may be a replica
	// that lags.
	settlePatience = 3 * time.Second
)

// Readback reads and removes the keys of a load.
type Readback struct {
	Names Names
	Dial  func() (*servers.Conn, error)
}

// Read reads every key that a write may have made. It retries for a while if keys are missing, or counters too low.
func (r *Readback) Read(ctx context.Context, entries []ledger.Entry) (ledger.Found, error) {
	found := ledger.Found{Keys: map[[2]int]bool{}, Counters: map[int]int64{}, Lists: map[int][]int{}}
	ctx, cancel := context.WithTimeout(ctx, settlePatience)
	defer cancel()
	asked := false
	err := servers.WaitFor(ctx, "all acknowledged writes", func() error {
		conn, err := r.Dial()
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		if err := r.readOnce(conn, entries, found); err != nil {
			return err
		}
		asked = true
		if a := ledger.Balance(entries, found, func(*ledger.Entry) bool { return false }); a.Lost > 0 {
			return fmt.Errorf("%d are missing", a.Lost)
		}
		return nil
	})
	if !asked {
		return found, fmt.Errorf("reading back: %w", err)
	}
	return found, nil
}

func (r *Readback) readOnce(conn *servers.Conn, entries []ledger.Entry, found ledger.Found) error {
	var asking []ledger.Entry
	whole := map[int]bool{} // counters and lists are read once for all of their writes
	for _, e := range entries {
		switch {
		case e.Kind == ledger.Get || e.Kind == ledger.Set && found.Keys[[2]int{e.Conn, e.Number}] || whole[e.Conn]:
			continue
		case e.Kind != ledger.Set:
			whole[e.Conn] = true
		}
		asking = append(asking, e)
	}
	for len(asking) > 0 {
		n := min(batch, len(asking))
		if err := r.readBatch(conn, asking[:n], found); err != nil {
			return err
		}
		asking = asking[n:]
	}
	return nil
}

func (r *Readback) readBatch(conn *servers.Conn, entries []ledger.Entry, found ledger.Found) error {
	var request []byte
	for i := range entries {
		e := &entries[i]
		key := r.Names.key(e)
		switch {
		case e.Kind == ledger.Incr:
			request = servers.AppendCommand(request, "GET", key)
		case e.Kind == ledger.Push:
			request = servers.AppendCommand(request, "LRANGE", key, "0", "-1")
		case r.Names.paired(e):
			request = servers.AppendCommand(request, "EXISTS", key, twin(key))
		default:
			request = servers.AppendCommand(request, "EXISTS", key)
		}
	}
	if err := conn.SendRaw(request); err != nil {
		return err
	}
	for i := range entries {
		frame, err := conn.Frame()
		if err == nil && len(frame) > 0 && frame[0] == '-' {
			err = fmt.Errorf("%.200q", frame)
		}
		if err != nil {
			return err
		}
		r.keep(&entries[i], strings.Split(strings.TrimSuffix(string(frame), "\r\n"), "\r\n"), found)
	}
	return nil
}

// keep records the lines of one reply.
func (r *Readback) keep(e *ledger.Entry, lines []string, found ledger.Found) {
	switch e.Kind {
	case ledger.Set:
		want := ":1"
		if r.Names.paired(e) {
			want = ":2"
		}
		if lines[0] == want {
			found.Keys[[2]int{e.Conn, e.Number}] = true
		}
	case ledger.Incr:
		if len(lines) > 1 {
			found.Counters[e.Conn], _ = strconv.ParseInt(lines[1], 10, 64)
		}
	case ledger.Push:
		list := []int{}
		for i := 2; i < len(lines); i += 2 {
			number, _ := strconv.Atoi(lines[i])
			list = append(list, number)
		}
		found.Lists[e.Conn] = list
	case ledger.Get:
	}
}

// Remove deletes keys.
func (r *Readback) Remove(keys map[string]bool) error {
	conn, err := r.Dial()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var request []byte
	n := 0
	send := func() error {
		if err := conn.SendRaw(request); err != nil {
			return err
		}
		replies, err := conn.Frames(n)
		if err == nil && strings.Contains(string(replies), "-") {
			err = fmt.Errorf("removing keys: %.200q", replies)
		}
		request, n = request[:0], 0
		return err
	}
	for key := range keys {
		if request, n = servers.AppendCommand(request, "DEL", key), n+1; n == batch {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}
