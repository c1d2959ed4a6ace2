package access

import (
	"encoding/hex"
	"strings"

	"evergate/gateway/resp"
	"evergate/routing"
)

// String returns the user's line of ACL LIST: Parse makes the same user of it.
func (u *User) String() string {
	text := "user " + u.name
	for _, flag := range u.flags() {
		text += " " + flag
	}
	for _, sum := range u.passwords {
		text += " #" + hex.EncodeToString(sum[:])
	}
	for i, s := range u.selectors {
		if i == 0 {
			text += " " + s.String()
		} else {
			text += " (" + s.String() + ")"
		}
	}
	return text
}

func (u *User) flags() (all []string) {
	all = append(all, "off")
	if u.on {
		all[0] = "on"
	}
	if u.noPass {
		all = append(all, "nopass")
	}
	if u.skipSanitize {
		return append(all, "skip-sanitize-payload")
	}
	return append(all, "sanitize-payload")
}

func (s *selector) String() string {
	var words []string
	if keys := s.keyText(); keys != "" {
		words = append(words, keys)
	}
	if !s.allChannels {
		words = append(words, "resetchannels")
	}
	if channels := s.channelText(); channels != "" {
		words = append(words, channels)
	}
	return strings.Join(append(words, s.commands.String()), " ")
}

func (s *selector) keyText() string {
	if s.allKeys {
		return "~*"
	}
	words := make([]string, len(s.keys))
	for i := range s.keys {
		switch p := &s.keys[i]; p.access {
		case routing.ReadsKey:
			words[i] = "%R~" + p.String()
		case routing.WritesKey:
			words[i] = "%W~" + p.String()
		default:
			words[i] = "~" + p.String()
		}
	}
	return strings.Join(words, " ")
}

func (s *selector) channelText() string {
	if s.allChannels {
		return "&*"
	}
	words := make([]string, len(s.channels))
	for i := range s.channels {
		words[i] = "&" + s.channels[i].String()
	}
	return strings.Join(words, " ")
}

// getUser executes ACL GETUSER.
func (u *Users) getUser(name string, proto uint8) []byte {
	user := u.byName[name]
	switch {
	case user == nil && proto == 3:
		return resp.Null3
	case user == nil:
		return resp.NullBulk
	}
	b := resp.AppendMap(nil, int(proto), 6)
	flags := user.flags()
	b = resp.AppendSet(resp.AppendBulkString(b, "flags"), int(proto), len(flags))
	for _, flag := range flags {
		b = resp.AppendBulkString(b, flag)
	}
	b = resp.AppendArray(resp.AppendBulkString(b, "passwords"), len(user.passwords))
	for _, sum := range user.passwords {
		b = resp.AppendBulkString(b, hex.EncodeToString(sum[:]))
	}
	b = user.selectors[0].appendTo(b)
	b = resp.AppendArray(resp.AppendBulkString(b, "selectors"), len(user.selectors)-1)
	for _, s := range user.selectors[1:] {
		b = s.appendTo(resp.AppendMap(b, int(proto), 3))
	}
	return b
}

// appendTo appends the three pairs of a selector.
func (s *selector) appendTo(b []byte) []byte {
	b = resp.AppendBulkString(resp.AppendBulkString(b, "commands"), s.commands.String())
	b = resp.AppendBulkString(resp.AppendBulkString(b, "keys"), s.keyText())
	return resp.AppendBulkString(resp.AppendBulkString(b, "channels"), s.channelText())
}
