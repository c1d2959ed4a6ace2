package routing

import (
	"bytes"
	"slices"
	"strings"
)

// noWrites is the flag by which a script or a function declares that it changes nothing. Servers enforce it.
const noWrites = "no-writes"

// DeclaresNoWrites parses the first line of a script: #!lua name=library flags=no-writes,allow-stale
func DeclaresNoWrites(body []byte) bool {
	line, _, _ := bytes.Cut(body, []byte("\n"))
	words := bytes.Fields(line)
	if len(words) == 0 || !bytes.HasPrefix(words[0], []byte("#!")) {
		return false
	}
	for _, word := range words[1:] {
		if flags, ok := bytes.CutPrefix(word, []byte("flags=")); ok {
			return slices.ContainsFunc(bytes.Split(flags, []byte(",")), func(flag []byte) bool {
				return string(flag) == noWrites
			})
		}
	}
	return false
}

// Functions parses a server's reply to FUNCTION LIST: all functions by their names in lower case, and whether they
// declare that they change nothing. Malformed parts are left out.
func Functions(reply any) map[string]bool {
	harmless := map[string]bool{}
	libraries, _ := reply.([]any)
	for _, library := range libraries {
		functions, _ := fieldsOf(library)["functions"].([]any)
		for _, function := range functions {
			fields := fieldsOf(function)
			if name, ok := fields["name"].(string); ok {
				flags, _ := textsOf(fields["flags"])
				harmless[strings.ToLower(name)] = slices.Contains(flags, noWrites)
			}
		}
	}
	return harmless
}
