package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"evergate/testenv/drill/ledger"
	"evergate/testenv/drill/load"
	"evergate/testenv/servers"
)

// Target is a running system to be drilled in place of servers that the drill starts: a gateway, and the Sentinels or
// the cluster behind it.
type Target struct {
	// Addr is the gateway's listener, HOST:PORT or unix:/path; Clients holds the credentials of its clients.
	Addr    string
	Clients Login
	// Sentinels with MasterName, or Cluster, name the servers as in the gateway's settings: some are enough.
	Sentinels  []string
	MasterName string
	Cluster    []string
	// Servers holds the credentials for data servers, Watchers those for Sentinels.
	Servers, Watchers Login
	// AddressMap maps addresses of the topology to addresses to dial, as the gateway's own setting does.
	AddressMap map[string]string
	Commands   Commands
}

// Mode returns the topology of its servers.
func (t *Target) Mode() Mode {
	if len(t.Cluster) > 0 {
		return Cluster
	}
	return Sentinel
}

// Lacks returns a sentence with the reason why a drill cannot be run as planned; empty if it can.
func (p *Plan) Lacks() string {
	d := find(p.Name)
	if d == nil {
		return ""
	}
	if p.Target != nil {
		return p.Target.lacks(d)
	}
	if d.able == nil {
		return ""
	}
	binary, err := servers.ServerBinary()
	if err != nil {
		return "" // the start of the servers reports it
	}
	version, err := servers.ServerVersion(binary)
	if err != nil || d.able(version) {
		return ""
	}
	return fmt.Sprintf("%s needs %s, and %s is %s", p.Name, d.ableSince, binary, version)
}

// lacks returns the reason why a drill cannot be run on the target; empty if it can.
func (t *Target) lacks(d *drill) string {
	name := d.name
	if d.inside != "" {
		return name + " needs servers of its own: " + d.inside
	}
	var flags []string
	for _, tool := range []struct {
		needed      bool
		flag, given string
	}{{d.needs.kill, "--kill-cmd", t.Commands.Kill}, {d.needs.freeze, "--freeze-cmd", t.Commands.Freeze},
		{d.needs.heal, "--heal-cmd", t.Commands.Heal}} {
		if tool.needed && tool.given == "" {
			flags = append(flags, tool.flag)
		}
	}
	if len(flags) == 0 {
		return ""
	}
	return fmt.Sprintf("%s needs %s: a drill cannot break or heal a server that it did not start", name,
		strings.Join(flags, " and "))
}

// meetSite finds the servers of a target and the gateway in front of them. It changes nothing there.
func meetSite(ctx context.Context, p *Plan, d *drill) (s *site, err error) {
	t := p.Target
	if lack := t.lacks(d); lack != "" {
		return nil, errors.New(lack)
	}
	s = &site{mode: p.Mode, target: t, master: t.MasterName, login: t.Servers, watcher: t.Watchers,
		names: map[string]string{}, hurt: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	s.hands = s.handsByCommand(t.Commands)
	if s.mode == Cluster {
		err = s.meetCluster(t.Cluster)
	} else {
		err = s.meetSentinels(t.Sentinels)
	}
	if err != nil {
		return s, err
	}
	if s.reads, err = s.askGateway(); err != nil {
		return s, err
	}
	if _, err := s.primary(); err != nil {
		return s, err
	}
	if want, got := d.wantsReplicas(s.mode), len(s.replicas()); got < want {
		return s, fmt.Errorf("%s needs %d replicas in sync with the primary, and %d of %s are", d.name, want, got,
			strings.Join(s.nodes, ", "))
	}
	s.dialPath = s.dialTarget
	if p.Beside != "" {
		err = s.startBeside(ctx, p.Beside)
	}
	return s, err
}

// wantsReplicas returns how many replicas a drill needs before it begins.
func (d *drill) wantsReplicas(mode Mode) int {
	n := d.in(mode).Switches
	if mode == Cluster {
		n = min(n, 1) // what was struck first is healed before the second strike
	}
	return max(n, 0)
}

// dialTarget connects as a client of the gateway.
func (s *site) dialTarget() (*servers.Conn, error) { return s.target.Clients.dial(s.target.Addr) }

// primaryReads is the gateway's setting by which no replica is read.
const primaryReads = "primary"

// askGateway checks that the target is a gateway that answers INFO, and returns its setting for reads.
func (s *site) askGateway() (reads string, err error) {
	conn, err := s.dialTarget()
	if err != nil {
		return "", fmt.Errorf("the gateway cannot be reached: %w", err)
	}
	defer func() { _ = conn.Close() }()
	frame, err := conn.Do("INFO", "gateway", "failover")
	text := string(frame)
	switch {
	case err != nil:
		return "", fmt.Errorf("INFO to %s: %w", s.target.Addr, err)
	case strings.HasPrefix(text, "-"):
		return "", fmt.Errorf("%s rejects INFO, without which it cannot be judged: %s",
			s.target.Addr, strings.TrimSpace(text[1:]))
	case !strings.Contains(text, "# Gateway"):
		return "", fmt.Errorf("%s is not an Evergate gateway: its INFO has no section \"Gateway\"; use "+
			"--beside for another path", s.target.Addr)
	}
	return infoWord(text, "reads"), nil
}

// warning describes the damage that a drill is about to do to a target.
func (s *site) warning(p *Plan, d *drill) string {
	c := s.target.Commands
	old, _ := s.primary()
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "%s is about to break servers behind %s: %s.\n", d.name, s.target.Addr, d.what)
	row("primary", "%s", old)
	row("replicas", "%s", strings.Join(slices.DeleteFunc(slices.Clone(s.nodes), func(addr string) bool {
		return addr == old
	}), ", "))
	if len(s.sentinels) > 0 {
		row("sentinels", "%s", strings.Join(s.sentinels, ", "))
	}
	for _, text := range s.absent {
		row("note", "%s", text)
	}
	for _, tool := range []struct {
		needed     bool
		name, text string
	}{{d.needs.kill, "kill", c.Kill}, {d.needs.freeze, "freeze", c.Freeze},
		{d.needs != (tools{}) || d.killsSentinel, "heal", c.Heal}} {
		if tool.needed && tool.text != "" {
			row(tool.name, "%s", tool.text)
		}
	}
	if c.Heal == "" && (d.needs.kill || d.killsSentinel) {
		row("heal", "none: a killed server stays down")
	}
	if d.killsSentinel {
		row("after it", "when that Sentinel comes back, the others fail over to the replica that it promoted")
	} else if d.in(s.mode).Switches > 0 {
		row("after it", "another server is primary")
	}
	row("load", "%d requests a second over %d connections to %s; keys below %sID:, removed at the end", p.Rate,
		p.Connections+load.Impatient, cmp.Or(p.Beside, s.target.Addr), load.Keyspace)
	return b.String()
}

// probeKey is written through the path and read at the primary.
func (r *run) probeKey() string { return r.load.Names.Prefix + r.load.Names.Part(0, true) + "probe" }

// probe checks, before anything is broken, that the path leads to the servers that are to be struck, and that observers
// may write there.
func (r *run) probe() error {
	s := r.site
	old, err := s.primary()
	if err != nil {
		return err
	}
	conn, err := s.dialPath()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer func() { _, _ = conn.Do("DEL", r.probeKey()) }() // it may have gone to a server that is not looked at again
	reply, err := conn.Do("SET", r.probeKey(), r.id)
	if err == nil && string(reply) != "+OK\r\n" {
		err = fmt.Errorf("the reply to SET is %.200q", reply)
	}
	if err != nil {
		return fmt.Errorf("writing through the path: %w", err)
	}
	lines, err := s.ask(old, "GET", r.probeKey())
	if err != nil {
		return fmt.Errorf("reading at the primary itself: %w", err)
	}
	if len(lines) < 2 || lines[1] != r.id {
		return fmt.Errorf("a write through the path does not arrive at %s: these are not the servers behind it",
			old)
	}
	if _, err := s.ask(old, "SET", r.watchedKey(), "accepts"); err != nil {
		return fmt.Errorf("writing at the primary itself: %w", err)
	}
	return nil
}

// window returns how long after a strike a request may still have been sent to the struck server: as long as the
// command took, and, if only silence shows the failure, as long as these servers need to notice.
func (s *site) window(bar ledger.Bar) time.Duration {
	if bar.InFlightFor == silentFor {
		return s.downAfter + s.blow
	}
	return bar.InFlightFor + s.blow
}
