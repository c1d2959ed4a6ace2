package worker

import (
	"strings"

	"evergate/gateway/resp"
	"evergate/routing"
)

// parseInfo reads the reply to COMMAND INFO of one command, in RESP2 or RESP3; nil where the server has none of this
// name, or the reply is not what it should be.
func parseInfo(name string, reply []byte) *routing.Command {
	all, ok := resp.Elements(reply)
	if !ok || len(all) != 1 {
		return nil
	}
	info, ok := infoOf(all[0])
	if !ok {
		return nil
	}
	info.Name = name
	return routing.Learn(info)
}

// infoOf reads one element of COMMAND INFO: name, arity, flags, first, last and step of the keys, ACL categories; since
// Redis 7.0 tips, key specifications and subcommands. ok is false where what there is cannot be read.
func infoOf(reply []byte) (info routing.Told, ok bool) {
	fields, ok := resp.Elements(reply)
	if !ok || len(fields) < 6 {
		return info, false
	}
	if info.Name, ok = textOf(fields[0]); !ok {
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
	specs, ok := resp.Elements(fields[8])
	if !ok {
		return info, false
	}
	for _, spec := range specs {
		info.Specs = append(info.Specs, specOf(spec))
	}
	subcommands, ok := resp.Elements(fields[9])
	for _, sub := range subcommands {
		told, readable := infoOf(sub)
		if ok = ok && readable; ok {
			info.Subcommands = append(info.Subcommands, told)
		}
	}
	return info, ok
}

// specOf reads a key specification. One of a kind that is not known here is Unknown.
func specOf(reply []byte) (k routing.KeySpec) {
	spec := fieldsOf(reply)
	begin, find := fieldsOf(spec["begin_search"]), fieldsOf(spec["find_keys"])
	beginType, _ := textOf(begin["type"])
	findType, _ := textOf(find["type"])
	flags, ok := textsOf(spec["flags"])
	for _, flag := range flags {
		ok = ok && flag != "incomplete"
	}
	number := func(of map[string][]byte, name string, into *int) {
		n, is := intOf(of[name])
		*into, ok = n, ok && is
	}
	switch spec := fieldsOf(begin["spec"]); beginType {
	case "index":
		number(spec, "index", &k.Index)
	case "keyword":
		word, is := textOf(spec["keyword"])
		k.Keyword, ok = word, ok && is
		number(spec, "startfrom", &k.From)
	default:
		ok = false
	}
	switch spec := fieldsOf(find["spec"]); findType {
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

// fieldsOf reads a map, or the flat array that stands for it in RESP2; nil where it is none.
func fieldsOf(reply []byte) map[string][]byte {
	pairs, _ := resp.Pairs(reply)
	fields := make(map[string][]byte, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		if name, ok := textOf(pairs[i]); ok {
			fields[name] = pairs[i+1]
		}
	}
	return fields
}

func textOf(reply []byte) (string, bool) {
	text, ok := resp.String(reply)
	return string(text), ok
}

func intOf(reply []byte) (int, bool) {
	n, ok := resp.Int(reply)
	return int(n), ok && int64(int32(n)) == n
}

// textsOf reads an array or a set of texts, in lower case.
func textsOf(reply []byte) (texts []string, ok bool) {
	elements, ok := resp.Elements(reply)
	for _, e := range elements {
		text, is := textOf(e)
		texts, ok = append(texts, strings.ToLower(text)), ok && is
	}
	return texts, ok
}
