package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"evergate/cmd/evergate/settings"
	"evergate/cmd/evergate/suggest"
	"evergate/cmd/evergate/terminal"
	"evergate/gateway"
	"evergate/gateway/config"
	"evergate/testenv/drill"
)

// aim is the running system that a drill breaks, and the consent to that.
type aim struct {
	addr     string
	commands drill.Commands
	yes      bool
	// agreed is the answer to the question; it applies to all drills of one command.
	agreed bool
}

const aboutTarget = `With --target it starts no servers: it drills a running gateway and the servers behind it, given by
--sentinel and --master-name or by --cluster. It prints what it is about to break, and asks first.
Drills that only send commands to servers need nothing else; the others need shell commands:

  --kill-cmd 'docker kill redis-{port}'      kills a server without a warning
  --freeze-cmd 'docker pause redis-{port}'   stops it, its connections stay open
  --heal-cmd 'docker unpause redis-{port} || docker start redis-{port}'
                                             undoes both, also if a drill is interrupted

Each is run by sh -c and must return when it has taken effect. {host}, {port} and {address} are
replaced by the server's address as its Sentinels or its cluster report it, {name} by the hostname
that a cluster node announces. Drills write only keys that begin with evergate:drill: and delete
them at the end.

Passwords are set as for run: by files, or by EVERGATE_PASSWORD (for the gateway),
EVERGATE_UPSTREAM_PASSWORD and EVERGATE_SENTINEL_PASSWORD.`

// aimSettings are the settings of run with the addresses of the servers and the credentials for them.
var aimSettings = []string{"sentinel", "master-name", "cluster", "upstream-user", "upstream-password-file",
	"sentinel-user", "sentinel-password-file", "password-file", "address-map", "upstream-tls", "upstream-tls-ca-file",
	"upstream-tls-cert-file", "upstream-tls-key-file", "upstream-tls-server-name", "sentinel-tls", "sentinel-tls-ca-file",
	"sentinel-tls-cert-file", "sentinel-tls-key-file", "sentinel-tls-server-name"}

const configFlag = "config"

func (a *aim) addFlags(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.StringVar(&a.addr, "target", "", "`ADDRESS` of a running gateway to drill: HOST:PORT or unix:/path")
	flags.StringVar(&a.commands.Kill, "kill-cmd", "", "shell `TEMPLATE` that kills a server")
	flags.StringVar(&a.commands.Freeze, "freeze-cmd", "", "shell `TEMPLATE` that freezes a server")
	flags.StringVar(&a.commands.Heal, "heal-cmd", "", "shell `TEMPLATE` that restarts or resumes a server")
	flags.BoolVar(&a.yes, "yes", false, "do not ask before breaking anything")
	flags.String(configFlag, "", "`FILE` of settings of the target's gateway, instead of the flags below")
	settings.AddFlagsOf(flags, aimSettings...)
}

// resolve returns the target that flags, file and variables describe, or all mistakes in them. Without --target it
// returns nil and ignores the variables, which may be meant for run.
func (a *aim) resolve(flags *pflag.FlagSet, w world) (*drill.Target, settings.Mistakes) {
	if a.addr == "" {
		return nil, a.alone(flags)
	}
	var wrong settings.Mistakes
	add := func(flag, text string) { wrong = append(wrong, settings.MistakeAt("flag --"+flag, text)) }
	if _, _, err := config.SplitListen(a.addr); err != nil {
		add("target", err.Error())
	}
	for _, c := range []struct{ flag, template string }{{"kill-cmd", a.commands.Kill}, {"freeze-cmd", a.commands.Freeze},
		{"heal-cmd", a.commands.Heal}} {
		if fault := drill.Faulty(c.template); fault != "" {
			add(c.flag, fault)
		}
	}
	if !a.yes && terminal.Columns(w.stdin) == 0 {
		add("yes", "is required without a terminal: the drill breaks servers behind "+a.addr)
	}
	service, others := a.service(flags, w)
	wrong = append(wrong, others...)
	if len(wrong) > 0 {
		return nil, wrong
	}
	t := &drill.Target{Addr: a.addr, Sentinels: service.Sentinels, MasterName: service.MasterName,
		Cluster: service.Cluster, AddressMap: service.AddressMap, Commands: a.commands,
		Clients: loginOf(config.Credentials{Password: service.Password}), Servers: loginOf(service.Upstream),
		Watchers: loginOf(service.Sentinel)}
	var err error
	t.Servers.TLS, t.Watchers.TLS, err = gateway.ConnectTLS(&service)
	if err == nil && slices.Contains(service.TLSListen, a.addr) {
		t.Clients.TLS, err = gateway.SelfConfig(&service)
	}
	if err != nil {
		return nil, settings.Mistakes{settings.MistakeAt("flag --target", err.Error())}
	}
	return t, nil
}

// alone returns a mistake for each flag that has no meaning without --target.
func (a *aim) alone(flags *pflag.FlagSet) (wrong settings.Mistakes) {
	for _, name := range append([]string{"kill-cmd", "freeze-cmd", "heal-cmd", "yes", configFlag}, aimSettings...) {
		if flags.Changed(name) {
			wrong = append(wrong, settings.MistakeAt("flag --"+name,
				"needs --target: without it the drill starts its own servers"))
		}
	}
	return wrong
}

// service returns the one that the settings describe. Its listeners do not matter: --target is the address.
func (a *aim) service(flags *pflag.FlagSet, w world) (config.Service, settings.Mistakes) {
	r, s := settings.Gather(flags, nil, w.environ)
	if len(r.Config.Services) != 1 {
		s.Reject("flag --target", fmt.Sprintf("is one gateway's listener, and the settings describe %s",
			count(len(r.Config.Services), "service")))
		return config.Service{}, s.Mistakes
	}
	service := &r.Config.Services[0]
	service.OnlyListen(a.addr)
	if service.Primary != "" {
		s.Reject("flag --target", "needs --sentinel or --cluster: a plain list has no automatic failover")
	}
	_, err := r.Finish(s)
	var wrong settings.Mistakes
	errors.As(err, &wrong)
	for _, warning := range r.Warnings {
		printf(w.stderr, "warning: %s: %s", warning.At, warning.Text)
	}
	return *service, wrong
}

// loginOf returns a Login that reads the password at each use, as the gateway does.
func loginOf(c config.Credentials) drill.Login {
	if c.Password.IsZero() {
		return drill.Login{}
	}
	return drill.Login{User: c.User, Password: c.Password.Read}
}

var errNoConsent = errors.New("not confirmed, nothing was changed")

// consent prints what the drill is about to break and asks, once for all runs of this command.
func (a *aim) consent(ctx context.Context, w world, screen *terminal.Screen, runs int) func(string) error {
	return func(warning string) error {
		screen.Printf("%s", strings.TrimSuffix(warning, "\n"))
		if a.yes || a.agreed {
			return nil
		}
		if runs > 1 {
			printf(w.stderr, "The answer applies to all %d runs.", runs)
		}
		printf(w.stderr, "Continue? Type yes:")
		answer := make(chan string, 1)
		go func() {
			line, _ := bufio.NewReader(w.stdin).ReadString('\n')
			answer <- strings.ToLower(strings.TrimSpace(line))
		}()
		select {
		case text := <-answer:
			a.agreed = text == "yes" || text == "y"
		case <-ctx.Done():
		}
		if !a.agreed {
			return errNoConsent
		}
		return nil
	}
}

// playable returns the plans that can be run. If a drill that was named lacks something, that is an error; among all
// drills it is skipped with a message.
func (d *drillCommand) playable(name string, plans []drill.Plan) ([]drill.Plan, error) {
	var kept []drill.Plan
	named := map[string]bool{}
	for _, plan := range plans {
		lack := plan.Lacks()
		switch {
		case lack == "":
			kept = append(kept, plan)
		case name != "all":
			return nil, runtimeError{errors.New(lack)}
		case !named[plan.Name]:
			named[plan.Name] = true
			d.screen.Printf("Skipped: %s.", lack)
		}
	}
	return kept, nil
}

// besideFault returns what is wrong with --beside, empty if nothing is.
func (d *drillCommand) besideFault() string {
	if !drill.OtherAddress(d.beside) {
		return ""
	}
	if !strings.Contains(d.beside, ":") {
		paths := []string{drill.Direct, drill.HAProxy}
		return fmt.Sprintf("%q is not one of %s", d.beside, strings.Join(paths, ", ")) +
			suggest.DidYouMean(suggest.Nearest(d.beside, paths), settings.KeyName)
	}
	if _, _, err := config.SplitListen(d.beside); err != nil {
		return err.Error()
	}
	if d.aim.addr == "" {
		return "an address needs --target: it does not lead to the servers that a drill starts"
	}
	return ""
}
