package catalog

import (
	"strings"
	"testing"

	"evergate/gateway/resp"
	"evergate/routing"
)

// TestLearnBearsWhatMakesNoSense: servers' answers about commands may be malformed; some once crashed the process.
func TestLearnBearsWhatMakesNoSense(t *testing.T) {
	for _, reply := range []string{
		"*1\r\n$0\r\n\r\n" + strings.Repeat("+a\r\n", 6),
		"*1\r\n*2\r\n+a\r\n:1\r\n$19\r\n9223372036854775807\r\n+a\r\n+a\r\n+a\r\n",
		"*1\r\n*6\r\n+a\r\n:1\r\n*-1\r\n:1\r\n:1\r\n:1\r\n",
		"*1\r\n*6\r\n+a\r\n:1\r\n*4\r\n:1\r\n:1\r\n:1\r\n",
		"*1\r\n*6\r\n+a\r\n:1\r\n*0\r\n:1\r\n:1\r\n",
		"*1\r\n*6\r\n+a\r\n:x\r\n*0\r\n:1\r\n:1\r\n:1\r\n",
		"*1\r\n*6\r\n$9\r\na\r\n",
		"-ERR no\r\n", "\r\n", "",
	} {
		info, _ := resp.Decode([]byte(reply))
		if row := routing.LearnInfo("mod.set", info); row != nil {
			t.Errorf("%q: took it for %+v", reply, row)
		}
	}
}

// FuzzLearn: for any answer of a server about a command or its functions, a request can be decided.
func FuzzLearn(f *testing.F) {
	f.Add([]byte("*1\r\n*6\r\n+a\r\n:-2\r\n*1\r\n+readonly\r\n:1\r\n:-1\r\n:1\r\n"))
	f.Add([]byte("*1\r\n*10\r\n+a\r\n:2\r\n~1\r\n+write\r\n:0\r\n:0\r\n:0\r\n*0\r\n*0\r\n*1\r\n%3\r\n+flags\r\n*0\r\n" +
		"+begin_search\r\n%2\r\n+type\r\n+index\r\n+spec\r\n%1\r\n+index\r\n:1\r\n" +
		"+find_keys\r\n%2\r\n+type\r\n+range\r\n+spec\r\n%3\r\n+lastkey\r\n:0\r\n+keystep\r\n:1\r\n+limit\r\n:0\r\n*0\r\n"))
	f.Add([]byte("*1\r\n*2\r\n+functions\r\n*1\r\n*4\r\n+name\r\n+f\r\n+flags\r\n*1\r\n+no-writes\r\n"))
	f.Fuzz(func(t *testing.T, reply []byte) {
		value, _ := resp.Decode(reply)
		routing.Functions(value)
		args := [][]byte{[]byte("mod.set"), []byte("k"), []byte("2"), []byte("a")}
		row := routing.LearnInfo("mod.set", value)
		if row == nil {
			return
		}
		if row = row.Of(args); row == nil {
			return
		}
		keys, ok := row.Keys(args, nil)
		for _, at := range keys {
			if at < 1 || at >= len(args) || !ok {
				t.Errorf("%q: a key at %d of %d arguments, %v", reply, at, len(args), ok)
			}
		}
	})
}
