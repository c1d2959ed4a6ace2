package drill

import (
	"slices"
	"strings"
	"testing"
)

func TestMembersOfAClusterAreRead(t *testing.T) {
	got := members("$500\n" +
		"a1 10.0.0.1:7000@17000,node-1 myself,master - 0 1 2 connected 5461-10922 [93->-b2]\n" +
		"b2 10.0.0.2:7000@17000,,tls-port=0 master,fail - 0 1 3 disconnected 7\n" +
		"c3 fd00::1:7000@17000 slave a1 0 1 2 connected\n" +
		"d4 :0@0 master,noaddr - 0 1 2 disconnected\n" +
		"e5 10.0.0.5:7000@17000 master - 0 1 0 connected [12-<-a1]\n")
	want := []member{
		{id: "a1", addr: "10.0.0.1:7000", name: "node-1", flags: "master", master: "-", first: 5461},
		{id: "b2", addr: "10.0.0.2:7000", flags: "master,fail", master: "-", first: 7},
		{id: "c3", addr: "[fd00::1]:7000", flags: "slave", master: "a1", first: none},
		{id: "e5", addr: "10.0.0.5:7000", flags: "master", master: "-", first: 12},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestTemplatesAreExpanded(t *testing.T) {
	s := &site{names: map[string]string{"10.0.0.1:7000": "node-1", "10.0.0.2:7000": "node-2;reboot"}}
	for _, c := range []struct{ template, addr, want string }{
		{"docker kill redis-{port}", "10.0.0.1:7000", "docker kill redis-7000"},
		{"docker compose kill {name}", "10.0.0.1:7000", "docker compose kill node-1"},
		{"ssh {host} x {name} {address}", "10.0.0.3:7000", "ssh 10.0.0.3 x 10.0.0.3 10.0.0.3:7000"},
		{"x -f '{{.Name}}' {host}", "[fd00::1]:7000", "x -f '{{.Name}}' fd00::1"},
	} {
		if got, err := s.expand(c.template, c.addr); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v", c.template, got, err)
		}
	}
	// A name that a server announces must not run commands here.
	for _, addr := range []string{"10.0.0.2:7000", "$(reboot):1", "-oProxyCommand=x:1", "a b:1", ":1", "10.0.0.1:1;x"} {
		if got, err := s.expand("ssh {host} {port} {name}", addr); err == nil {
			t.Errorf("%s becomes %q", addr, got)
		}
	}
	if Faulty("docker kill redis") == "" || Faulty("") != "" || Faulty("kill {port}") != "" {
		t.Error("templates that name no server are not distinguished from others")
	}
}

func TestCommandsReportWhyTheyFailed(t *testing.T) {
	s := &site{names: map[string]string{}, hurt: map[string]string{}}
	h := s.handsByCommand(Commands{Kill: "echo cannot kill {port} >&2; exit 7", Heal: "sleep 3 & echo {port}"})
	err := h.kill(t.Context(), "127.0.0.1:7")
	if err == nil || !strings.Contains(err.Error(), "exit status 7: cannot kill 7") {
		t.Errorf("got %v", err)
	}
	if s.hurt["127.0.0.1:7"] == "" {
		t.Error("a command that failed may have done it")
	}
	// A process that it leaves running keeps its output open, and is not waited for.
	if err := h.heal(t.Context(), "127.0.0.1:7"); err != nil || len(s.hurt) > 0 {
		t.Errorf("got %v, still hurt %v", err, s.hurt)
	}
}

func TestAGatewaysPastIsNotCounted(t *testing.T) {
	line := func(uncertain, more string) string {
		return "# Gateway\r\nreads:primary\r\nsessions_blocked_now:0\r\nrequests_uncertain:" + uncertain +
			"\r\n# Failover\r\nfailovers_started:" +
			uncertain + "\r\nfailover7:shard=main,acknowledged=9,lost_at_most=5\r\n" + more
	}
	w := &gateWatch{}
	w.note(line("3", ""), 0, 1)
	if g := w.seen(); g.Uncertain != 0 || g.Failovers != 0 || len(g.Receipts) != 0 {
		t.Errorf("at first: %+v", g)
	}
	w.note(line("5", "failover8:shard=main,acknowledged=9,lost_at_most=2\r\n"), 1, 2)
	if g := w.seen(); g.Uncertain != 2 || g.Failovers != 2 || !slices.Equal(g.Receipts, []int{2}) {
		t.Errorf("then: %+v", g)
	}
}
