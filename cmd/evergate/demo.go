package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"evergate/cmd/evergate/logging"
	"evergate/cmd/evergate/settings"
	"evergate/cmd/evergate/suggest"
	"evergate/cmd/evergate/terminal"
	"evergate/gateway/config"
	"evergate/testenv/drill"
	"evergate/testenv/servers"
)

// demo runs real servers on this machine with a gateway in front and a load, for a person to watch and to break.
type demo struct {
	mode, listen, beside string
	// anyPort lets the system choose a port when the usual one is taken.
	anyPort bool
	env     *servers.Env
	gw      *running
	addr    string
	// admin is the address of the HTTP server for operators.
	admin  string
	screen *terminal.Screen
	keys   *terminal.Keyboard
	show   *drill.Show
}

const (
	bySentinel = "sentinel"
	byCluster  = "cluster"
	// The timeouts after which servers count as down: short for a person who waits, and long enough for a busy laptop.
	demoDownAfter       = time.Second
	demoFailoverTimeout = 10 * time.Second
	demoNodeTimeout     = 2 * time.Second
	// The load of each path, modest enough for a laptop.
	demoConnections, demoRate = 20, 500
)

func newDemo(w world) *cobra.Command {
	d := &demo{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start real servers with a gateway in front, to try out and to break",
		Long: `Start real Redis servers on this machine and the gateway in front of them: a primary with two
replicas and three Sentinels, or a cluster of three primaries with one replica each. Clients send
requests through the gateway. Press a key to kill or freeze the primary; then the demo reports what
the clients noticed. Without a terminal it kills the primary once and exits with the report. With
--beside a second load takes another path to the same servers.

The demo needs redis-server or valkey-server in PATH, or its path in REDIS_SERVER. Ctrl-C stops and
removes everything.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.anyPort = !cmd.Flags().Changed("listen")
			d.screen = terminal.NewScreen(w.stdout)
			return d.run(w)
		},
	}
	modes := []string{bySentinel, byCluster}
	flags := cmd.Flags()
	flags.StringVar(&d.mode, "mode", bySentinel, "sentinel or cluster")
	flags.StringVar(&d.listen, "listen", config.DefaultListen, "`ADDRESS` for clients: HOST:PORT or unix:/path")
	flags.StringVar(&d.beside, "beside", "", "compare with another path: direct or haproxy (Sentinel only)")
	choose := cobra.FixedCompletions(modes, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("mode", choose); err != nil {
		panic("the modes are completed twice: " + err.Error())
	}
	return cmd
}

func (d *demo) run(w world) (err error) {
	conf, err := d.check()
	if err != nil {
		return err
	}
	signals, stop := w.notify()
	defer stop()
	d.screen.Printf("Starting %s ...", d.what())
	if err := d.startServers(); err != nil {
		return runtimeError{err}
	}
	defer func() {
		d.screen.Printf("Stopping and removing everything ...")
		if closeErr := d.env.Close(); err == nil && closeErr != nil {
			err = runtimeError{closeErr}
		}
	}()
	if len(signals) > 0 {
		return nil
	}
	logger, err := logging.Open(conf, brief{d.screen})
	if err != nil {
		return runtimeError{err}
	}
	defer logger.Close()
	if err := d.startGateway(w, conf, logger); err != nil {
		return runtimeError{err}
	}
	d.keys = terminal.OpenKeyboard(w.stdin, d.screen)
	defer d.keys.Close()
	err = d.play(signals)
	d.screen.Live("")
	return errors.Join(err, d.gw.end(time.Second, signals, logger))
}

// startGateway listens on the given address. If the default port is in use, it takes any other and reports it.
func (d *demo) startGateway(w world, conf config.Gateway, logger hclog.Logger) (err error) {
	d.gw, err = d.start(w, conf, logger)
	taken := errors.Is(err, syscall.EADDRINUSE)
	switch {
	case taken && d.anyPort:
		conf.Services[0].Listen = []string{"127.0.0.1:0"}
		d.gw, err = d.start(w, conf, logger)
	case taken:
		return fmt.Errorf("%w; choose another address with --listen", err)
	}
	if err != nil {
		return err
	}
	d.addr, d.admin = showAddr(d.gw.addrs()[0]), d.gw.admin().String()
	if taken {
		d.screen.Printf("%s is in use, perhaps by your own Redis: the gateway listens on %s instead (see --listen).",
			d.listen, d.addr)
	}
	return nil
}

// start starts the gateway. The address for operators is chosen as late as possible, since starting the servers takes
// seconds in which a second demo can take it; if it is taken all the same, any other will do.
func (d *demo) start(w world, conf config.Gateway, logger hclog.Logger) (*running, error) {
	conf.Admin.Listen = freeAdmin()
	gw, err := w.start(d.withUpstream(conf), logger)
	if errors.Is(err, syscall.EADDRINUSE) {
		conf.Admin.Listen = "127.0.0.1:0"
		gw, err = w.start(d.withUpstream(conf), logger)
	}
	return gw, err
}

// play runs the load until a signal arrives.
func (d *demo) play(signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	opened := make(chan error, 1)
	go func() {
		var err error
		d.show, err = drill.OpenShow(ctx, drill.ShowPlan{Env: d.env, Mode: drill.Mode(d.mode), Addr: d.addr,
			Beside: d.beside, Connections: demoConnections, Rate: demoRate})
		opened <- err
	}()
	select {
	case err := <-opened:
		if err != nil {
			return runtimeError{err}
		}
	case <-signals:
		cancel()
		if err := <-opened; err != nil {
			return nil // interrupted while it started
		}
		return d.closeShow()
	}
	d.screen.Printf("%s", d.introduction())
	d.watch(ctx, cancel, signals)
	return d.closeShow()
}

func (d *demo) closeShow() error {
	if err := d.show.Close(); err != nil {
		return runtimeError{err}
	}
	return nil
}

// check returns the config, still without the upstream, or the mistakes in the flags.
func (d *demo) check() (config.Gateway, error) {
	conf := settings.Default()
	service := config.DefaultService()
	service.Name, service.Listen = "demo", []string{d.listen}
	conf.Services = []config.Service{service}
	var wrong settings.Mistakes
	if d.mode != bySentinel && d.mode != byCluster {
		modes := []string{bySentinel, byCluster}
		wrong = append(wrong, settings.MistakeAt("flag --mode", fmt.Sprintf("%q is not one of %s", d.mode,
			strings.Join(modes, ", "))+suggest.DidYouMean(suggest.Nearest(d.mode, modes), settings.KeyName)))
	}
	if paths := []string{drill.Direct, drill.HAProxy}; d.beside != "" && !slices.Contains(paths, d.beside) {
		wrong = append(wrong, settings.MistakeAt("flag --beside", fmt.Sprintf("%q is not one of %s", d.beside,
			strings.Join(paths, ", "))+suggest.DidYouMean(suggest.Nearest(d.beside, paths), settings.KeyName)))
	}
	if d.beside != "" && d.mode == byCluster {
		text := "needs Sentinels: a cluster replies MOVED to plain clients"
		wrong = append(wrong, settings.MistakeAt("flag --beside", text))
	}
	if text := listenFault(conf); text != "" {
		wrong = append(wrong, settings.MistakeAt("flag --listen", text))
	}
	if len(wrong) > 0 {
		return conf, wrong
	}
	return conf, nil
}

// freeAdmin returns an address for operators: the usual port, or the next one that is free, or any.
func freeAdmin() string {
	const usual, further = 9121, 10
	for port := usual; port < usual+further; port++ {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		if ln, err := net.Listen("tcp", address); err == nil {
			_ = ln.Close()
			return address
		}
	}
	return "127.0.0.1:0"
}

// listenFault returns what is wrong with the listener, empty if nothing is. The demo has no password: it must be local.
func listenFault(conf config.Gateway) string {
	find := func() string {
		var faults config.Faults
		errors.As(conf.Validate(), &faults)
		for _, fault := range faults {
			if fault.Setting == "listen" {
				return fault.Text
			}
		}
		return ""
	}
	fault := find()
	conf.Services = slices.Clone(conf.Services)
	conf.Services[0].NoAuth = true
	if fault != "" && find() == "" {
		return "is reachable from other machines, and the demo has no password"
	}
	return fault
}

func (d *demo) what() string {
	if d.mode == byCluster {
		return "a cluster of 3 primaries with a replica each"
	}
	return "a primary with 2 replicas, watched by 3 Sentinels"
}

func (d *demo) startServers() (err error) {
	options := servers.Options{Persist: true}
	if d.mode == byCluster {
		options.Primaries, options.Replicas, options.NodeTimeout = 3, 1, demoNodeTimeout
		d.env, err = servers.Cluster(options)
	} else {
		options.Replicas, options.Sentinels = 2, 3
		options.DownAfter, options.FailoverTimeout = demoDownAfter, demoFailoverTimeout
		d.env, err = servers.Sentinel(options)
	}
	if errors.Is(err, servers.ErrNoServer) {
		return errors.New(howToGetServer(os.Getenv("PATH")))
	}
	return err
}

// howToGetServer returns the command that installs a server on this machine. Debian's package also starts one on port
// 6379.
func howToGetServer(path string) string {
	ways := []struct{ manager, command string }{
		{"apt-get", "sudo apt-get install redis-server && sudo systemctl disable --now redis-server"},
		{"dnf", "sudo dnf install valkey   (or redis)"},
		{"apk", "sudo apk add redis"},
		{"brew", "brew install redis"},
	}
	text := "redis-server or valkey-server is needed in PATH, or its path in REDIS_SERVER. To install it:"
	all := ""
	for _, way := range ways {
		line := "\n  " + way.command
		for _, dir := range append(strings.Split(path, ":"), "/usr/bin", "/sbin") {
			if _, err := exec.LookPath(dir + "/" + way.manager); err == nil && dir != "" {
				return text + line
			}
		}
		all += line
	}
	return text + all
}

func (d *demo) withUpstream(conf config.Gateway) config.Gateway {
	service := &conf.Services[0]
	if d.mode == byCluster {
		service.Cluster = strings.Split(d.env.Addrs(), ",")
		return conf
	}
	service.Sentinels = strings.Split(d.env.SentinelAddrs(), ",")
	service.MasterName = d.env.Groups[0].Name
	return conf
}

// introduction returns commands to try in another terminal.
func (d *demo) introduction() string {
	cli := "redis-cli -p " + d.addr[strings.LastIndex(d.addr, ":")+1:]
	if socket, isUnix := strings.CutPrefix(d.addr, "unix:"); isUnix {
		cli = "redis-cli -s " + socket
	}
	lines := []string{
		"",
		fmt.Sprintf("Evergate listens on %s (%s behind it).", d.addr, d.env.Version),
		fmt.Sprintf("%d clients send %d requests/s: writes to the primary, reads spread across the replicas.",
			demoConnections, demoRate),
		fmt.Sprintf("Look at it in a browser at http://%s/; its metrics are at /metrics there.", d.admin),
		"Try it in another terminal:",
		"",
		"  " + cli + " set hello world",
		"  " + cli + " get hello",
		"  " + cli + " -r -1 -i 0.1 incr counter",
		"",
		d.whatStrikes(),
		"",
	}
	for _, group := range d.env.Groups {
		if primary := group.Primary(); primary != nil {
			lines = append(lines, "  "+killLine(group, primary))
		}
	}
	return strings.Join(append(lines, "", "Killed servers are restarted. Ctrl-C stops and removes everything.", ""), "\n")
}

func (d *demo) whatStrikes() string {
	if d.keys.Pressed == nil {
		return fmt.Sprintf("There is no terminal: the primary is killed in %v, and the demo exits with the result.\n"+
			"Or kill one yourself:", byItselfAfter)
	}
	return "Press k to kill the primary, f to freeze it, q to quit. Or kill one yourself:"
}

// brief shortens log lines: the demo has one service, and its reader knows the date.
type brief struct{ out io.Writer }

var unread = regexp.MustCompile(`^[^T]*T([^Z]*)Z| evergate[.:]| service=demo| began=\S+`)

// Write takes one line, as the logger writes them.
func (b brief) Write(line []byte) (int, error) {
	if _, err := b.out.Write(unread.ReplaceAll(line, []byte("$1"))); err != nil {
		return 0, err
	}
	return len(line), nil
}

func killLine(group *servers.Group, primary *servers.Node) string {
	return fmt.Sprintf("kill -9 %-8d # primary of %s, %s", primary.Pid(), group.Name, primary.Addr)
}
