package resp

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/tidwall/redcon"
)

// Joining the replies of all primaries to one command.

func joinOneOK(dst []byte, parts []JoinPart) []byte {
	reply := parts[0].Reply
	for _, p := range parts {
		switch {
		case len(p.Reply) == 0 || p.Reply[0] != '+' && p.Reply[0] != '-':
			return AppendError(dst, joinShape)
		case p.Reply[0] == '+':
			return append(dst, p.Reply...)
		case bytes.HasPrefix(reply, notBusy):
			reply = p.Reply
		}
	}
	return append(dst, reply...)
}

var notBusy = []byte("-NOTBUSY ")

func joinAlike(dst []byte, kind JoinKind, parts []JoinPart) []byte {
	first := parts[0].Reply
	for _, p := range parts {
		if len(p.Reply) == 0 || kind == AllOK && p.Reply[0] != '+' || kind == Same && !bytes.Equal(p.Reply, first) {
			return AppendError(dst, joinShape)
		}
	}
	return append(dst, first...)
}

func joinAnyOf(dst []byte, parts []JoinPart) []byte {
	for _, p := range parts {
		if !isNull(p.Reply) {
			return append(dst, p.Reply...)
		}
	}
	return append(dst, parts[0].Reply...)
}

func isNull(reply []byte) bool { return bytes.Equal(reply, NullBulk) || bytes.Equal(reply, Null3) }

func joinEachTrue(dst []byte, parts []JoinPart) []byte {
	var least []int64
	for i, p := range parts {
		elements, ok := Elements(p.Reply)
		if !ok || i > 0 && len(elements) != len(least) {
			return AppendError(dst, joinShape)
		}
		for k, e := range elements {
			v, ok := Int(e)
			if !ok {
				return AppendError(dst, joinShape)
			}
			if i == 0 {
				least = append(least, v)
			}
			least[k] = min(least[k], v)
		}
	}
	dst = redcon.AppendArray(dst, len(least))
	for _, v := range least {
		dst = redcon.AppendInt(dst, v)
	}
	return dst
}

func joinTexts(dst []byte, parts []JoinPart) []byte {
	var text []byte
	for _, p := range parts {
		value, ok := String(p.Reply)
		if !ok {
			return AppendError(dst, joinShape)
		}
		text = append(append(append(append(text, p.Name...), ":\n"...), value...), '\n')
	}
	return redcon.AppendBulk(dst, text)
}

func joinArrays(dst []byte, kind JoinKind, parts []JoinPart, limit int) []byte {
	var all [][]byte
	for _, p := range parts {
		elements, ok := Elements(p.Reply)
		if !ok {
			return AppendError(dst, joinShape)
		}
		all = append(all, elements...)
	}
	if kind == Concat {
		return appendElements(dst, all)
	}
	type entry struct {
		at    int64
		frame []byte
	}
	entries := make([]entry, len(all))
	for i, frame := range all {
		fields, ok := Elements(frame)
		if !ok || len(fields) < 2 {
			return AppendError(dst, joinShape)
		}
		at, ok := Int(fields[1])
		if !ok {
			return AppendError(dst, joinShape)
		}
		entries[i] = entry{at, frame}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(b.at, a.at) })
	if limit >= 0 && limit < len(entries) {
		entries = entries[:limit]
	}
	dst = redcon.AppendArray(dst, len(entries))
	for _, e := range entries {
		dst = append(dst, e.frame...)
	}
	return dst
}

func appendElements(dst []byte, elements [][]byte) []byte {
	dst = redcon.AppendArray(dst, len(elements))
	for _, e := range elements {
		dst = append(dst, e...)
	}
	return dst
}
