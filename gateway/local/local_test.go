package local

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/facade"
	"evergate/gateway/session"
	"evergate/routing"
	"evergate/topology"
)

func words(text string) (args [][]byte) {
	for _, word := range strings.Fields(text) {
		args = append(args, []byte(word))
	}
	return args
}

// known returns the facts of a client of a service whose password is "secret".
func known() Facts {
	return Facts{
		ID: 7, Proto: 2, Identity: &session.Identity{Name: "me"}, View: &topology.View{},
		Users:     access.WithPassword("secret"),
		Comes:     func(*access.User) bool { return true },
		WallClock: func() time.Time { return time.Unix(5, 7000) },
	}
}

func TestAnswers(t *testing.T) {
	for command, want := range map[string]struct {
		reply string
		do    Effect
	}{
		"PING":                   {"+PONG\r\n", Effect{}},
		"PING a b":               {"-ERR wrong number of arguments for 'ping' command\r\n", Effect{}},
		"ECHO a":                 {"$1\r\na\r\n", Effect{}},
		"TIME":                   {"*2\r\n$1\r\n5\r\n$1\r\n7\r\n", Effect{}},
		"QUIT":                   {"+OK\r\n", Effect{Do: Quit}},
		"RESET":                  {"+RESET\r\n", Effect{Do: Reset}},
		"READONLY":               {string(noCluster), Effect{}},
		"CLUSTER INFO":           {string(noCluster), Effect{}},
		"CLIENT ID":              {":7\r\n", Effect{}},
		"CLIENT GETNAME":         {"$2\r\nme\r\n", Effect{}},
		"CLIENT SETNAME you":     {"+OK\r\n", Effect{Do: SetName, Text: []byte("you")}},
		"CLIENT SETNAME \x01":    {string(badName), Effect{}},
		"CLIENT REPLY ON":        {"+OK\r\n", Effect{Do: ReplyOn}},
		"CLIENT REPLY OFF":       {"", Effect{Do: ReplyOff}},
		"CLIENT REPLY skip":      {"", Effect{Do: ReplySkip}},
		"CLIENT REPLY PERHAPS":   {"-ERR syntax error\r\n", Effect{}},
		"CLIENT NO-EVICT on":     {"+OK\r\n", Effect{Do: NoEvictOn}},
		"CLIENT NO-EVICT off":    {"+OK\r\n", Effect{Do: NoEvictOff}},
		"CLIENT NO-TOUCH on":     {string(noTouch), Effect{}},
		"AUTH secret":            {"+OK\r\n", Effect{Do: Authenticate}},
		"AUTH other":             {string(WrongPass), Effect{Do: WrongPassword}},
		"AUTH a b c":             {"-ERR syntax error\r\n", Effect{}},
		"HELLO":                  {string(helloNoAuth), Effect{}},
		"HELLO 4":                {"-NOPROTO unsupported protocol version\r\n", Effect{}},
		"HELLO 3 AUTH x other":   {string(WrongPass), Effect{Do: WrongPassword}},
		"HELLO 3 SETNAME you":    {string(helloNoAuth), Effect{Do: SetName, Text: []byte("you")}},
		"HELLO 3 SETNAME you AT": {"-ERR Syntax error in HELLO option 'AT'\r\n", Effect{Do: SetName, Text: []byte("you")}},
		"HELLO 3 AUTH default secret AUTH x no": {
			string(WrongPass), Effect{Do: Authenticate | WrongPassword}},
		"HELLO 3 AUTH default secret SETNAME you": {
			"%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n6.2.0\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:7\r\n" +
				"$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n",
			Effect{Do: Authenticate | SetName | SetProto, Proto: 3, Text: []byte("you")}},
	} {
		args, f := words(command), known()
		reply, do := Answer(routing.Lookup(args), args, &f)
		if string(reply) != want.reply || do.Do != want.do.Do || do.Proto != want.do.Proto ||
			!bytes.Equal(do.Text, want.do.Text) || do.Has(Authenticate) != (do.User != nil) {
			t.Errorf("%s: %q %+v", command, reply, do)
		}
	}
}

// TestWaitInATransaction: the error texts of Redis 8.0 and Valkey 9.1; the number is checked before the timeout.
func TestWaitInATransaction(t *testing.T) {
	const (
		none, both = ":0\r\n", "*2\r\n:0\r\n:0\r\n"
		noInteger  = "-ERR value is not an integer or out of range\r\n"
		noBit      = "-ERR value is out of range, value must between 0 and 1\r\n"
		noCount    = "-ERR value is out of range, must be positive\r\n"
		noTime     = "-ERR timeout is not an integer or out of range\r\n"
		negative   = "-ERR timeout is negative\r\n"
		tooLate    = "-ERR timeout is out of range\r\n"
	)
	for command, want := range map[string]string{
		"WAIT 1 10": none, "WAIT -1 0": none, "WAIT 99999999999 0": none, "WAIT x -1": noInteger,
		"WAIT 9223372036854775808 0": noInteger, "WAIT 1 -1": negative, "WAIT 1 1.5": noTime, "WAIT 1 9223372036854775": none,
		"WAIT 1 9223372036854775807": tooLate, "WAIT 1 99999999999999999999": noTime,
		"WAITAOF 0 0 0": both, "WAITAOF 0 99999999999 0": both, "WAITAOF 2 x 0": noBit, "WAITAOF -1 0 0": noBit,
		"WAITAOF x 0 0": noInteger, "WAITAOF 0 -1 x": noCount, "WAITAOF 0 x 0": noCount, "WAITAOF 0 0 -1": negative,
		"WAITAOF 0 0 x": noTime, "WAITAOF 0 0 9223372036854775807": tooLate, "WAITAOF 2 0 -1": noBit,
	} {
		args, f := words(command), known()
		if reply, do := Answer(routing.Lookup(args), args, &f); string(reply) != want || do.Do != 0 {
			t.Errorf("%s: %q, want %q", command, reply, want)
		}
	}
}

func TestAnswersWhileSubscribed(t *testing.T) {
	f := known()
	f.Subscribed = true
	for proto, want := range map[uint8]string{2: "*2\r\n$4\r\npong\r\n$1\r\na\r\n", 3: "$1\r\na\r\n"} {
		f.Proto = proto
		args := words("PING a")
		if reply, _ := Answer(routing.Lookup(args), args, &f); string(reply) != want {
			t.Errorf("RESP%d: %q", proto, reply)
		}
	}
}

func TestAfterAll(t *testing.T) {
	f := known()
	replyOff := known()
	replyOff.ReplyOff = true
	for command, want := range map[string]bool{
		"PING": false, "CLIENT ID": false, "CLIENT REPLY ON": true, "CLIENT KILL a": true, "INFO": true, "MONITOR": true,
		"HELLO": false, "HELLO 2": false, "HELLO 3": true, "SELECT 0": false, "SELECT 1": true, "RESET": false,
		"CONFIG HELP": true,
	} {
		args := words(command)
		if AfterAll(routing.Lookup(args), args, &f) != want {
			t.Errorf("%s: %v", command, !want)
		}
	}
	args := words("RESET")
	if !AfterAll(routing.Lookup(args), args, &replyOff) {
		t.Error("a RESET overtakes what is muted")
	}
}

func TestRejects(t *testing.T) {
	for command, want := range map[string]string{
		"NOBODY a b":  "-ERR unknown command 'NOBODY', with args beginning with: 'a' 'b' \r\n",
		"CLIENT what": "-ERR unknown subcommand 'what'. Try CLIENT HELP.\r\n",
	} {
		if reply := Reject(routing.UnknownCommand, nil, words(command), nil, nil); string(reply) != want {
			t.Errorf("%s: %q", command, reply)
		}
	}
	args := words("SHUTDOWN")
	command := routing.Lookup(args)
	if reply := Reject(routing.Forbidden, command, args, nil, nil); !bytes.Contains(reply, []byte("--allow 'shutdown'")) {
		t.Errorf("no setting is named: %q", reply)
	}
	replica := &facade.Role{Kind: facade.Replica}
	if reply := Reject(routing.Forbidden, command, args, nil, replica); bytes.Contains(reply, []byte("--allow")) {
		t.Errorf("a setting is named that does not apply: %q", reply)
	}
	if !Probes(routing.UnknownCommand, words("CLIENT MAINT_NOTIFICATIONS ON")) ||
		Probes(routing.UnknownCommand, words("OTHER MAINT_NOTIFICATIONS ON")) {
		t.Error("what go-redis probes is not told from the rest")
	}
}

// TestPingAllocatesNothing: clients check their connections with PING all the time.
func TestPingAllocatesNothing(t *testing.T) {
	args := words("PING")
	command := routing.Lookup(args)
	f := known()
	if n := testing.AllocsPerRun(100, func() { _, _ = Answer(command, args, &f) }); n > 0 {
		t.Errorf("PING costs %v allocations", n)
	}
}

func TestNotices(t *testing.T) {
	for form, want := range map[string]struct {
		reply string
		do    Action
	}{
		"ON":                                    {"+OK\r\n", NoticesOn | NoticesUnnamed},
		"on moving-endpoint-type none":          {"+OK\r\n", NoticesOn | NoticesUnnamed},
		"on Moving-Endpoint-Type external-ip":   {"+OK\r\n", NoticesOn},
		"ON moving-endpoint-type internal-fqdn": {"+OK\r\n", NoticesOn},
		"OFF":                                   {"+OK\r\n", NoticesOff},
		"OFF moving-endpoint-type none":         {string(noticesForm), 0},
		"ON moving-endpoint-type":               {string(noticesForm), 0},
		"ON endpoint none":                      {string(noticesForm), 0},
		"ON moving-endpoint-type elsewhere":     {string(noticesType), 0},
	} {
		args, f := words("CLIENT MAINT_NOTIFICATIONS "+form), known()
		f.Proto = 3
		if reply, do := Answer(routing.Lookup(args), args, &f); string(reply) != want.reply || do.Do != want.do {
			t.Errorf("%s: %q %+v", form, reply, do)
		}
	}
	for form, want := range map[string]string{
		"ON": string(noticesNeedRESP3), "OFF": "+OK\r\n", "PERHAPS": string(noticesForm),
	} {
		args, f := words("CLIENT MAINT_NOTIFICATIONS "+form), known()
		if reply, _ := Answer(routing.Lookup(args), args, &f); string(reply) != want {
			t.Errorf("%s in RESP2: %q", form, reply)
		}
	}
}
