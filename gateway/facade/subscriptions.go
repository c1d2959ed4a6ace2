package facade

import (
	"slices"

	"evergate/gateway/resp"
	"evergate/routing"
)

const (
	// subscriptionsMax is how many channels and patterns a client of a Sentinel may subscribe to: clients need a handful.
	subscriptionsMax = 256
	// channelBytesMax is the longest name of one, in bytes.
	channelBytesMax = 1024
)

// Subscriptions are those of a client of an emulated Sentinel. Nothing is ever published there, since its addresses do
// not change. The zero value is empty.
type Subscriptions struct {
	channels, patterns []string
}

// Channels returns the number of channels, Patterns that of patterns.
func (s *Subscriptions) Channels() int { return len(s.channels) }
func (s *Subscriptions) Patterns() int { return len(s.patterns) }

// Any reports whether there is a subscription.
func (s *Subscriptions) Any() bool { return s.count() > 0 }

func (s *Subscriptions) count() int { return len(s.channels) + len(s.patterns) }

// Do executes SUBSCRIBE, PSUBSCRIBE, UNSUBSCRIBE and PUNSUBSCRIBE, and returns the reply: one frame for each channel.
func (s *Subscriptions) Do(proto int, command *routing.Command, args [][]byte) []byte {
	name, list := command.Name, &s.channels
	switch command.ID {
	case routing.CmdUnsubscribe:
		return s.unsubscribe(proto, name, list, args[1:])
	case routing.CmdPUnsubscribe:
		return s.unsubscribe(proto, name, &s.patterns, args[1:])
	case routing.CmdPSubscribe:
		list = &s.patterns
	}
	if len(args) < 2 {
		return wrongArity(name)
	}
	if s.count()+len(args)-1 > subscriptionsMax || slices.ContainsFunc(args[1:], isLong) {
		return resp.AppendError(nil, "ERR too many or too long subscriptions for a Sentinel")
	}
	var b []byte
	for _, channel := range args[1:] {
		if !slices.Contains(*list, string(channel)) {
			*list = append(*list, string(channel))
		}
		b = s.confirm(b, proto, name, channel)
	}
	return b
}

func isLong(channel []byte) bool { return len(channel) > channelBytesMax }

// unsubscribe ends the named ones, or all; without any there is one confirmation, as in Redis.
func (s *Subscriptions) unsubscribe(proto int, name string, list *[]string, named [][]byte) []byte {
	if len(named) == 0 {
		for _, channel := range *list {
			named = append(named, []byte(channel))
		}
	}
	if len(named) == 0 {
		return s.confirm(nil, proto, name, nil)
	}
	var b []byte
	for _, channel := range named {
		*list = slices.DeleteFunc(*list, func(have string) bool { return have == string(channel) })
		b = s.confirm(b, proto, name, channel)
	}
	return b
}

// confirm appends the confirmation for one channel, nil for none.
func (s *Subscriptions) confirm(b []byte, proto int, name string, channel []byte) []byte {
	b = resp.AppendBulkString(resp.AppendPush(b, proto, 3), name)
	switch {
	case channel != nil:
		b = resp.AppendBulk(b, channel)
	case proto == 3:
		b = append(b, resp.Null3...)
	default:
		b = append(b, resp.NullBulk...)
	}
	return resp.AppendInt(b, int64(s.count()))
}
