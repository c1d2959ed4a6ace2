package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/routing"
)

// What a server does of subscriptions.

// ofListeners names what stands on connections because of listeners.
func ofListeners(args [][]byte) bool {
	switch verb := strings.ToUpper(string(args[0])); verb {
	case "PUBLISH", "SPUBLISH", "PING":
		return true
	default:
		return slices.Contains(subscribes[:], verb) || slices.Contains(unsubscribes[:], verb)
	}
}

// listen does one of these commands.
func (n *node) listen(l *lane, args [][]byte) []byte {
	verb := string(args[0])
	if verb == "PING" {
		return resp.Pong
	}
	if n.w.now < n.loadingUntil {
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
	case slices.Contains(subscribes[:], verb):
		if l.has == nil {
			l.has = map[string]bool{}
			n.w.feeds = append(n.w.feeds, l)
		}
		l.has[verb+" "+name] = true
	default:
		delete(l.has, subscribes[slices.Index(unsubscribes[:], verb)]+" "+name)
	}
	return acknowledgement(verb, name, len(l.has))
}

func acknowledgement(verb, name string, count int) []byte {
	b := resp.AppendBulkString(resp.AppendBulkString([]byte(">3\r\n"), strings.ToLower(verb)), name)
	return resp.AppendInt(b, int64(count))
}

// notHere is what a node of a cluster says to a channel whose slot it does not have.
func (n *node) notHere(l *lane, name string) string {
	slot := routing.Slot([]byte(name))
	switch {
	case n.w.o.Voice == Bus:
		return n.redirectByBus(l, []string{name}, false)
	case n.w.o.Cluster && (n.w.owner(slot) != n.shard || !n.primary):
		return fmt.Sprintf("MOVED %d %s", slot, n.w.owner(slot).primary.addr)
	}
	return ""
}

// published gives a message to who is subscribed; in a cluster to those of all nodes, which the answer does not count.
func (n *node) published(args [][]byte, kind int, name string) []byte {
	w, count := n.w, 0
	everywhere := kind == 0 && w.ledger.sharded
	for _, l := range w.feeds {
		if !l.served || l.dead || l.node != n && !everywhere {
			continue
		}
		for _, topic := range slices.Sorted(maps.Keys(l.has)) {
			verb, pattern, _ := strings.Cut(topic, " ")
			var b []byte
			switch {
			case verb == subscribes[kind] && pattern == name:
				b = resp.AppendBulkString([]byte(">3\r\n"), [...]string{"message", "", "smessage"}[kind])
			case kind == 0 && verb == "PSUBSCRIBE" && fanout.Match([]byte(pattern), []byte(name)):
				b = resp.AppendBulkString(resp.AppendBulkString([]byte(">4\r\n"), "pmessage"), pattern)
			default:
				continue
			}
			if l.node == n {
				count++
			}
			l.push(resp.AppendBulk(resp.AppendBulkString(b, name), args[2]))
		}
	}
	return resp.AppendInt(nil, int64(count))
}

// push sends what nobody asked for.
func (l *lane) push(b []byte) {
	l.answeredTo += int64(len(b))
	l.node.w.send(&l.toGate, b)
}

// endMoved ends subscriptions to channels whose slot a node has given away.
func (n *node) endMoved(l *lane) {
	for _, topic := range slices.Sorted(maps.Keys(l.has)) {
		if name, is := strings.CutPrefix(topic, "SSUBSCRIBE "); is && n.notHere(l, name) != "" {
			delete(l.has, topic)
			if !l.dead {
				l.push(acknowledgement("SUNSUBSCRIBE", name, 0))
			}
		}
	}
}
