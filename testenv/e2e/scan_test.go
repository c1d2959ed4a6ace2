package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/testenv/servers"
)

// scan runs SCAN, or HSCAN of a key, and calls between after each page. It returns the keys or fields that begin with
// prefix, and the number of pages.
func scan(t *testing.T, conn *servers.Conn, prefix string, between func(page int),
	command ...string) (map[string]int, int) {
	t.Helper()
	seen, pages := map[string]int{}, 0
	for cursor := "0"; ; pages++ {
		if pages > 20000 {
			t.Fatal("the scan does not end")
		}
		reply, err := conn.Do(append(slices.Clone(command), cursor, "COUNT", "20")...)
		switch {
		case err != nil:
			t.Fatal(err)
		case strings.HasPrefix(string(reply), "-LOADING evergate"):
			continue
		case !strings.HasPrefix(string(reply), "*2\r\n"):
			t.Fatalf("%v %s: %q", command, cursor, reply)
		}
		for _, key := range keysOf(reply, prefix) {
			seen[key]++
		}
		cursor = strings.Split(string(reply), "\r\n")[2]
		if cursor == "0" {
			return seen, pages + 1
		}
		between(pages)
	}
}

// holds fails if a scan has missed a key.
func holds(t *testing.T, seen map[string]int, keys []string) {
	t.Helper()
	missed := []string{}
	for _, key := range keys {
		if seen[key] == 0 {
			missed = append(missed, key)
		}
	}
	if len(missed) > 0 {
		t.Errorf("of %d keys that were there all the time %d were missed: %.200v", len(keys), len(missed), missed)
	}
}

// fillFast sets n keys "k:0" and on in one pipeline.
func fillFast(t *testing.T, env *servers.Env, conn *servers.Conn, n int) (keys []string) {
	t.Helper()
	var all []byte
	for i := range n {
		keys = append(keys, fmt.Sprint("k:", i))
		all = servers.AppendCommand(all, "SET", keys[i], "v")
	}
	if err := conn.SendRaw(all); err != nil {
		t.Fatal(err)
	}
	replies, err := conn.Frames(n)
	if err != nil || strings.Count(string(replies), "+OK\r\n") != n {
		t.Fatalf("%.100q, %v", replies, err)
	}
	for _, g := range env.Groups {
		if err := g.AwaitOffsets(servers.Patience); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// churn writes and deletes other keys until stop is called.
func churn(t *testing.T, gate *servers.Gateway) (stop func()) {
	conn := servers.MustDial(t, gate.Addr)
	conn.Timeout = 30 * time.Second
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-end:
				return
			default:
			}
			for _, command := range [][]string{{"SET", fmt.Sprint("x:", i), "v"}, {"DEL", fmt.Sprint("x:", i-500)}} {
				if _, err := conn.Do(command...); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

func TestScanThroughAFailover(t *testing.T) {
	t.Parallel()
	inBothTopologies(t, func(t *testing.T, env *servers.Env, gate *servers.Gateway) {
		conn := servers.MustDial(t, gate.Addr)
		conn.Timeout = 30 * time.Second
		keys := fillFast(t, env, conn, 2000)
		seen, pages := scan(t, conn, "k:", func(int) {}, "SCAN")
		holds(t, seen, keys)
		twice := 0
		for _, n := range seen {
			if n > 1 {
				twice++
			}
		}
		if twice > len(keys)/100 {
			t.Errorf("where nothing happens %d of %d keys were seen twice", twice, len(keys))
		}
		stop := churn(t, gate)
		old := env.Primary()
		seen, _ = scan(t, conn, "k:", func(page int) {
			if page == pages/5 {
				if err := old.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}, "SCAN")
		stop()
		holds(t, seen, keys)
		if now := env.Primary(); now == old {
			t.Error("there was no failover")
		}
	})
}

func TestHashScanThroughAFailover(t *testing.T) {
	t.Parallel()
	inBothTopologies(t, func(t *testing.T, env *servers.Env, gate *servers.Gateway) {
		conn := servers.MustDial(t, gate.Addr)
		conn.Timeout = 30 * time.Second
		var fields []string
		set := []string{"HSET", "hash"}
		for i := range 1000 {
			fields = append(fields, fmt.Sprint("f:", i))
			set = append(set, fields[i], "v")
		}
		expect(t, conn, ":1000\r\n", set...)
		for _, g := range env.Groups {
			if err := g.AwaitOffsets(servers.Patience); err != nil {
				t.Fatal(err)
			}
		}
		old := holderOf(env, "hash")
		seen, _ := scan(t, conn, "f:", func(page int) {
			if page == 10 {
				if err := old.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}, "HSCAN", "hash")
		holds(t, seen, fields)
	})
}

// TestScanThroughAReshard moves slots back and forth, in every direction and at every stage of a scan.
func TestScanThroughAReshard(t *testing.T) {
	t.Parallel()
	env := servers.StartCluster(t, servers.Options{Primaries: 3})
	gate := servers.StartGateway(t, "--cluster", env.Nodes()[0].Addr)
	conn := servers.MustDial(t, gate.Addr)
	conn.Timeout = 30 * time.Second
	keys := fillFast(t, env, conn, 2000)
	dice := rand.New(rand.NewPCG(1, 2))
	m := &mover{t: t, env: env, dice: dice, keys: keys}
	stop := churn(t, gate)
	for range 3 {
		m.left = 10
		seen, _ := scan(t, conn, "k:", m.step, "SCAN")
		holds(t, seen, keys)
	}
	stop()
	if m.moved < 20 {
		t.Errorf("only %d slots have moved", m.moved)
	}
	for m.stage != 0 {
		m.step(0)
	}
	servers.Until(t, servers.Patience, "KEYS and DBSIZE when all is at rest", func() error {
		reply, err := conn.Do("KEYS", "k:*")
		if n := len(keysOf(reply, "k:")); err != nil || n != len(keys) {
			return fmt.Errorf("%d keys of %d, %v", n, len(keys), err)
		}
		return nil
	})
}

// mover moves the slots of keys from shard to shard, one stage at a step: the slot is marked, its keys move, its owner
// changes.
type mover struct {
	t        *testing.T
	env      *servers.Env
	dice     *rand.Rand
	keys     []string
	slot     int
	from, to *servers.Node
	stage    int
	moved    int
	left     int // slots that may still be moved; each one cuts a range of slots, which costs a scan some pages
}

func (m *mover) step(int) {
	m.t.Helper()
	var err error
	switch m.stage {
	case 0:
		if m.left == 0 || m.dice.IntN(10) > 0 {
			return // for a while nothing moves
		}
		m.left--
		var reply any
		reply, err = m.env.Nodes()[0].Do("CLUSTER", "KEYSLOT", m.keys[m.dice.IntN(len(m.keys))])
		if err != nil {
			break
		}
		m.slot = int(reply.(int64))
		m.from = m.env.SlotOwner(m.slot)
		for m.to = m.from; m.to == m.from; {
			m.to = m.env.Groups[m.dice.IntN(len(m.env.Groups))].Nodes[0]
		}
		err = m.env.MigrateSlot(m.slot, m.from, m.to)
		if err != nil && strings.Contains(err.Error(), "not the owner") { // the nodes do not agree yet
			if _, err := m.to.Do("CLUSTER", "SETSLOT", m.slot, "STABLE"); err != nil {
				m.t.Fatal(err)
			}
			return
		}
	case 1:
		err = m.env.MoveKeys(m.slot, m.from, m.to)
	default:
		if m.dice.IntN(12) > 0 {
			return // it stays half moved for some pages
		}
		err = errors.Join(m.env.MoveKeys(m.slot, m.from, m.to), m.env.FinishSlot(m.slot, m.from, m.to))
		m.moved++
	}
	if err != nil {
		m.t.Fatal(err)
	}
	m.stage = (m.stage + 1) % 3
}
