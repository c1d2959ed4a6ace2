package dial

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/tidwall/redcon"

	"evergate/gateway/session"
	"evergate/gateway/upstream"
)

// aclServer is a server with the users "gateway" and "alice", whose passwords are their names, and perhaps a default
// user. It remembers what it was sent.
type aclServer struct {
	addr  string
	open  bool // the default user needs no password
	mu    sync.Mutex
	asked []string
}

func (s *aclServer) serve(conn redcon.Conn, cmd redcon.Command) {
	sent := string(bytes.Join(cmd.Args, []byte(" ")))
	s.mu.Lock()
	s.asked = append(s.asked, sent)
	s.mu.Unlock()
	as, _ := conn.Context().(string)
	if as == "" && s.open {
		as = "default"
	}
	words := strings.Fields(strings.TrimPrefix(sent, "HELLO 3 "))
	switch {
	case words[0] == "AUTH" && len(words) == 3 && words[1] == words[2]:
		conn.SetContext(words[1])
		conn.WriteString("OK")
	case words[0] == "AUTH":
		conn.WriteError("WRONGPASS invalid username-password pair or user is disabled.")
	case as == "":
		conn.WriteError("NOAUTH Authentication required.")
	case sent == "INFO server":
		conn.WriteBulkString("run_id:r1\r\nredis_version:7.0.15\r\n")
	case sent == "CLIENT ID":
		conn.WriteInt(7)
	case sent == "CONFIG SET hz 10" && as == "alice":
		conn.WriteError("NOPERM this user has no permissions to run the 'config|set' command")
	case sent == "CONFIG SET hz 10":
		conn.WriteString("QUEUED")
	default:
		conn.WriteString("OK")
	}
}

// take returns what the server was sent since the last call.
func (s *aclServer) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// startACL starts one, and a dialer whose own user is "gateway".
func startACL(t *testing.T, open bool, own string) (*aclServer, *Dialer) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &aclServer{addr: ln.Addr().String(), open: open}
	server := redcon.NewServer("", s.serve, nil, nil)
	ended := make(chan struct{})
	go func() {
		_ = server.Serve(ln)
		close(ended)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	credentials := func() (user, password string, err error) { return own, own, nil }
	return s, &Dialer{Timeout: inTime, Servers: func(int) Servers { return Servers{Credentials: credentials} },
		Logger: hclog.NewNullLogger()}
}

func TestDialForAUser(t *testing.T) {
	alice, wrong, none := session.UserPassword("alice", "alice"), session.UserPassword("alice", "no"),
		session.Credentials{}
	for _, c := range []struct {
		name  string
		own   string
		open  bool
		to    upstream.Dial
		asked string
		fails bool
	}{
		{"the gateway's own user first", "gateway", false, upstream.Dial{Proto: 3, As: &alice, ReadOnly: true, DB: 2},
			"HELLO 3 AUTH gateway gateway|INFO server|CLIENT ID|READONLY|AUTH alice alice|SELECT 2", false},
		{"the gateway has none", "", false, upstream.Dial{Proto: 3, As: &alice},
			"AUTH alice alice|HELLO 3|INFO server|CLIENT ID", false},
		{"without AUTH", "gateway", true, upstream.Dial{Proto: 2, As: &none}, "PING|INFO server|CLIENT ID", false},
		{"bypass", "gateway", false, upstream.Dial{Proto: 2, As: &alice, Bypass: true}, "AUTH alice alice", false},
		{"a wrong password", "gateway", false, upstream.Dial{Proto: 2, As: &wrong},
			"AUTH gateway gateway|INFO server|CLIENT ID|AUTH alice no", true},
		{"nobody is let in", "gateway", false, upstream.Dial{Proto: 2, As: &none}, "PING", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, d := startACL(t, c.open, c.own)
			c.to.Addr = s.addr
			conn, _, err := d.Dial(t.Context(), c.to)
			if c.fails != errors.Is(err, upstream.ErrNotAuthenticated) || c.fails != (conn == nil) {
				t.Errorf("error %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "alice no") {
				t.Errorf("the error has the password: %v", err)
			}
			if conn != nil {
				_ = conn.Close()
			}
			if got := strings.Join(s.take(), "|"); got != c.asked {
				t.Errorf("the server was sent %s", got)
			}
		})
	}
}

func TestVerifyAndMay(t *testing.T) {
	s, d := startACL(t, false, "gateway")
	alice, gateway := session.UserPassword("alice", "alice"), session.UserPassword("gateway", "gateway")
	for _, c := range []struct {
		as    session.Credentials
		wrong string
	}{
		{alice, ""}, {session.UserPassword("alice", "no"), "-WRONGPASS"}, {session.Password("no"), "-WRONGPASS"},
		{session.Credentials{}, "-NOAUTH"},
	} {
		wrong, err := d.Verify(t.Context(), 0, s.addr, c.as)
		if err != nil || (wrong == nil) != (c.wrong == "") || !strings.HasPrefix(string(wrong), c.wrong) {
			t.Errorf("%v: %q, %v", c.as, wrong, err)
		}
	}
	s.take()
	for _, c := range []struct {
		as    session.Credentials
		wrong string
		asked []string
	}{
		{gateway, "", []string{"AUTH gateway gateway", "MULTI", "CONFIG SET hz 10"}},
		{alice, "-NOPERM", []string{"AUTH alice alice", "MULTI", "CONFIG SET hz 10"}},
		{session.UserPassword("alice", "no"), "-WRONGPASS", []string{"AUTH alice no"}},
	} {
		wrong, err := d.May(t.Context(), 0, s.addr, c.as, []string{"CONFIG", "SET", "hz", "10"})
		if err != nil || (wrong == nil) != (c.wrong == "") || !strings.HasPrefix(string(wrong), c.wrong) {
			t.Errorf("%v: %q, %v", c.as, wrong, err)
		}
		if got := s.take(); !slices.Equal(got, c.asked) {
			t.Errorf("%v: the server was sent %q", c.as, got)
		}
	}
	if wrong, err := d.May(t.Context(), 0, s.addr, gateway, []string{"GET", "k"}); err == nil {
		t.Errorf("a command that was not queued: %q", wrong)
	}
}
