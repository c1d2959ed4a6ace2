package subscribe

import (
	"bytes"

	"evergate/gateway/fanout"
	"evergate/gateway/resp"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// Recount corrects a reply that counts subscribers: a server counts a connection of each worker where clients want to
// know how many listen.
func (u *Subscribers) Recount(l *upstream.Conn, t *upstream.Pending, frame, reply []byte) []byte {
	if !bytes.HasPrefix(frame, resp.Multi) {
		u.args = resp.Args(frame, u.args[:0])
		return u.recountOne(l, t, u.args, reply)
	}
	elements, ok := resp.Elements(reply)
	if !ok {
		return reply
	}
	b := resp.AppendArray(nil, len(elements))
	at := -1 // MULTI comes before the commands that have an element each
	for args := range resp.Commands([][]byte{frame}, u.conf.Limits) {
		if at >= 0 && at < len(elements) {
			b = append(b, u.recountOne(l, t, args, elements[at])...)
		}
		at++
	}
	return b
}

// recountOne is Recount of one command.
func (u *Subscribers) recountOne(l *upstream.Conn, t *upstream.Pending, args [][]byte, reply []byte) []byte {
	command := routing.Lookup(args)
	if command == nil || reply[0] == '-' {
		return reply
	}
	count := func(q fanout.Count) (int, int) {
		q.Node = l.Key.Node
		listeners, conns := u.conf.Count(u.services[l.Key.Service].Of, q)
		if t.Part > 0 {
			listeners = 0 // the first part has them
		}
		return listeners, conns
	}
	switch command.ID {
	case routing.CmdPublish:
		return adjusted(reply, count, fanout.Count{Name: args[1], Patterns: true})
	case routing.CmdSPublish:
		return adjusted(reply, count, fanout.Count{Kind: fanout.Shard, Name: args[1]})
	case routing.CmdPubSubNumPat:
		return adjusted(reply, count, fanout.Count{Kind: fanout.Pattern, Patterns: true})
	case routing.CmdPubSubNumSub:
		return adjustedPairs(reply, count, fanout.Channel)
	case routing.CmdPubSubShardNumSub:
		return adjustedPairs(reply, count, fanout.Shard)
	}
	return reply
}

func adjusted(reply []byte, count func(fanout.Count) (int, int), q fanout.Count) []byte {
	n, ok := resp.Int(reply)
	listeners, conns := count(q)
	if !ok || listeners == 0 && conns == 0 {
		return reply
	}
	return resp.AppendInt(nil, max(0, n-int64(conns))+int64(listeners))
}

func adjustedPairs(reply []byte, count func(fanout.Count) (int, int), kind fanout.Kind) []byte {
	elements, ok := resp.Elements(reply)
	if !ok || len(elements)%2 != 0 {
		return reply
	}
	b := resp.AppendArray(nil, len(elements))
	for i := 0; i < len(elements); i += 2 {
		b = append(b, elements[i]...)
		name, _ := resp.Bulk(elements[i])
		b = append(b, adjusted(elements[i+1], count, fanout.Count{Kind: kind, Name: name})...)
	}
	return b
}
