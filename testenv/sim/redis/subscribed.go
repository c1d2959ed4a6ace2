package redis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"evergate/gateway/glob"
	"evergate/gateway/resp"
	"evergate/routing"
	"evergate/testenv/sim/ledger"
	"evergate/testenv/sim/scenario"
)

// What a server does of subscriptions.

// listen does one of these commands.
func (n *Node) listen(l *Conn, args [][]byte) []byte {
	verb := string(args[0])
	if verb == "PING" {
		return pong(args)
	}
	if n.w.Now < n.loadingUntil {
		return []byte("-LOADING Redis is loading the dataset in memory\r\n")
	}
	name := string(args[1])
	if verb[0] == 'S' && verb[1] != 'U' || verb == "SUNSUBSCRIBE" {
		if refusal := n.notHere(l, name); refusal != "" && verb != "SUNSUBSCRIBE" {
			return resp.AppendError(nil, refusal)
		}
	}
	switch {
	case verb == "PUBLISH":
		return n.published(args, 0, name)
	case verb == "SPUBLISH":
		return n.published(args, 2, name)
	case slices.Contains(ledger.Subscribes[:], verb):
		if l.has == nil {
			l.has = map[string]bool{}
			n.w.subscribed = append(n.w.subscribed, l)
		}
		l.has[verb+" "+name] = true
	default:
		delete(l.has, ledger.Subscribes[slices.Index(ledger.Unsubscribes[:], verb)]+" "+name)
	}
	return acknowledgement(verb, name, len(l.has))
}

func acknowledgement(verb, name string, count int) []byte {
	b := resp.AppendBulkString(resp.AppendBulkString([]byte(">3\r\n"), strings.ToLower(verb)), name)
	return resp.AppendInt(b, int64(count))
}

// notHere is what a node of a cluster says to a channel whose slot it does not have.
func (n *Node) notHere(l *Conn, name string) string {
	slot := routing.Slot([]byte(name))
	switch {
	case n.w.Options.Voice == scenario.Bus:
		return n.redirectByBus(l, []string{name}, false)
	case n.w.Options.Cluster && (n.w.Owner(slot) != n.shard || !n.Primary):
		return fmt.Sprintf("MOVED %d %s", slot, n.w.Owner(slot).Primary.Addr)
	}
	return ""
}

// published gives a message to who is subscribed; in a cluster to those of all nodes, which the answer does not count.
func (n *Node) published(args [][]byte, kind int, name string) []byte {
	w, count := n.w, 0
	everywhere := kind == 0 && w.Ledger.Sharded
	for _, l := range w.subscribed {
		if !l.served || l.Dead || l.Node != n && !everywhere {
			continue
		}
		for _, topic := range slices.Sorted(maps.Keys(l.has)) {
			verb, pattern, _ := strings.Cut(topic, " ")
			var b []byte
			switch {
			case verb == ledger.Subscribes[kind] && pattern == name:
				b = resp.AppendBulkString([]byte(">3\r\n"), [...]string{"message", "", "smessage"}[kind])
			case kind == 0 && verb == "PSUBSCRIBE" && glob.Match([]byte(pattern), []byte(name)):
				b = resp.AppendBulkString(resp.AppendBulkString([]byte(">4\r\n"), "pmessage"), pattern)
			default:
				continue
			}
			if l.Node == n {
				count++
			}
			l.push(resp.AppendBulk(resp.AppendBulkString(b, name), args[2]))
		}
	}
	return resp.AppendInt(nil, int64(count))
}

// endMoved ends subscriptions to channels whose slot a node has given away.
func (n *Node) endMoved(l *Conn) {
	for _, topic := range slices.Sorted(maps.Keys(l.has)) {
		if name, is := strings.CutPrefix(topic, "SSUBSCRIBE "); is && n.notHere(l, name) != "" {
			delete(l.has, topic)
			if !l.Dead {
				l.push(acknowledgement("SUNSUBSCRIBE", name, 0))
			}
		}
	}
}
