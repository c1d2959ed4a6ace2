package routing

import (
	"strings"
)

// A server's replies come here as values: strings, int64, nil, and []any for aggregates. A map is its keys and values
// in turn.

// LearnInfo makes a row from a server's reply to COMMAND INFO of one command; nil if the server has none of this name,
// or the reply is malformed.
func LearnInfo(name string, reply any) *Command {
	all, _ := reply.([]any)
	if len(all) != 1 {
		return nil
	}
	info, ok := infoOf(all[0])
	if !ok {
		return nil
	}
	info.Name = name
	return Learn(info)
}

// infoOf parses one element of COMMAND INFO: name, arity, flags, first, last and step of the keys, ACL categories;
// since Redis 7.0 tips, key specifications and subcommands. ok is false if it is malformed.
func infoOf(reply any) (info Definition, ok bool) {
	fields, _ := reply.([]any)
	if len(fields) < 6 {
		return info, false
	}
	if info.Name, ok = fields[0].(string); !ok {
		return info, false
	}
	for i, n := range []*int{&info.Arity, nil, &info.First, &info.Last, &info.Step} {
		if n != nil {
			if *n, ok = intOf(fields[1+i]); !ok {
				return info, false
			}
		}
	}
	if info.Flags, ok = textsOf(fields[2]); !ok {
		return info, false
	}
	if len(fields) > 6 {
		categories, ok := textsOf(fields[6])
		if !ok {
			return info, false
		}
		info.Flags = append(info.Flags, categories...)
	}
	if len(fields) < 10 {
		return info, true
	}
	if info.Tips, ok = textsOf(fields[7]); !ok {
		return info, false
	}
	specs, ok := fields[8].([]any)
	if !ok {
		return info, false
	}
	for _, spec := range specs {
		info.Specs = append(info.Specs, specOf(spec))
	}
	subcommands, ok := fields[9].([]any)
	for _, sub := range subcommands {
		learnt, readable := infoOf(sub)
		if ok = ok && readable; ok {
			info.Subcommands = append(info.Subcommands, learnt)
		}
	}
	return info, ok
}

// specOf parses a key specification. One of an unknown kind is Unknown.
func specOf(reply any) (k KeySpec) {
	spec := fieldsOf(reply)
	begin, find := fieldsOf(spec["begin_search"]), fieldsOf(spec["find_keys"])
	flags, ok := textsOf(spec["flags"])
	for _, flag := range flags {
		ok = ok && flag != "incomplete"
		k.Access |= accessOfFlag[flag]
	}
	number := func(of map[string]any, name string, into *int) {
		n, is := intOf(of[name])
		*into, ok = n, ok && is
	}
	switch spec := fieldsOf(begin["spec"]); begin["type"] {
	case "index":
		number(spec, "index", &k.Index)
	case "keyword":
		word, is := spec["keyword"].(string)
		k.Keyword, ok = word, ok && is
		number(spec, "startfrom", &k.From)
	default:
		ok = false
	}
	switch spec := fieldsOf(find["spec"]); find["type"] {
	case "range":
		number(spec, "lastkey", &k.Last)
		number(spec, "keystep", &k.Step)
		number(spec, "limit", &k.Limit)
	case "keynum":
		k.Numbered = true
		number(spec, "keynumidx", &k.NumberAt)
		number(spec, "firstkey", &k.First)
		number(spec, "keystep", &k.Step)
	default:
		ok = false
	}
	k.Unknown = !ok
	return k
}

// accessOfFlag is what the flags of a key specification say about the access to the key.
var accessOfFlag = map[string]KeyAccess{
	"access": ReadsKey, "insert": WritesKey, "update": WritesKey, "delete": WritesKey, "not_key": notKey,
	"variable_flags": ReadsKey | WritesKey,
}

// fieldsOf parses alternating keys and values; those whose key is no text are left out.
func fieldsOf(reply any) map[string]any {
	pairs, _ := reply.([]any)
	fields := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok {
			fields[name] = pairs[i+1]
		}
	}
	return fields
}

func intOf(reply any) (int, bool) {
	n, ok := reply.(int64)
	return int(n), ok && int64(int32(n)) == n
}

// textsOf parses a list of texts, in lower case.
func textsOf(reply any) (texts []string, ok bool) {
	elements, ok := reply.([]any)
	for _, e := range elements {
		text, is := e.(string)
		texts, ok = append(texts, strings.ToLower(text)), ok && is
	}
	return texts, ok
}
