package redis

import "time"

// What is replicated: writes, and how they come from a primary to its replicas.

type write struct {
	at   time.Duration
	key  string // empty: it changes no data
	by   int    // the request; -1 deletes
	exec int
	asks bool // REPLCONF GETACK
}

// store writes, and sends the write on to the replicas.
func (n *Node) store(key string, by, exec int) {
	if !n.w.Options.RealState() && n.shard.Primary != n {
		n.w.Ledger.Loses(exec) // nobody follows this node any more
	}
	stream(n, write{key: key, by: by, exec: exec})
}

// stream executes what is replicated, and sends it on to the replicas.
func stream(n *Node, wr write) {
	n.apply(wr)
	if n.w.Options.RealState() {
		n.propagate(wr)
		return
	}
	if n.shard.Primary != n {
		return
	}
	for _, r := range n.shard.Nodes {
		if r == n {
			continue
		}
		late := wr
		late.at = n.w.Now
		if n.w.Options.Async {
			late.at += n.w.Between(0, 50*time.Millisecond)
			r.queue = append(r.queue, late)
		} else {
			r.apply(late)
		}
	}
}

func (n *Node) apply(wr write) {
	if wr.key == "" {
		heed(n, wr)
		return
	}
	n.touched(wr.key)
	if n.Has != nil {
		n.Has[wr.exec] = true
	}
	n.w.Ledger.Execs[wr.exec].Arrived(n.ID, n.w.Now)
	n.Offset += int64(len(wr.key)) + 20
	if wr.by < 0 {
		delete(n.data, wr.key)
	} else {
		n.data[wr.key] = wr.by
	}
}

// replicate applies what has reached a replica.
func (n *Node) replicate() {
	for len(n.queue) > 0 && n.queue[0].at <= n.w.Now {
		n.apply(n.queue[0])
		n.queue = n.queue[1:]
	}
	if len(n.queue) == 0 {
		n.queue = nil
	}
}

// propagate sends a write to those that copy n.
func (n *Node) propagate(wr write) {
	for _, r := range n.w.Nodes {
		if r.Following == n && r.Link == LinkUp {
			late := wr
			late.at = n.w.Now + n.w.Between(0, max(r.lag, 1))
			if last := len(r.queue) - 1; last >= 0 {
				late.at = max(late.at, r.queue[last].at)
			}
			r.queue = append(r.queue, late)
		}
	}
}
