package config

import "fmt"

// Admin is the HTTP server for operators: metrics, health, the API and the page.
type Admin struct {
	// Listen is HOST:PORT, [IPv6]:PORT or unix:/path. Empty: there is none.
	Listen string
	// Hosts are further names by which it may be asked, beside IP addresses, localhost and the machine's own name.
	Hosts []string
	// Password is required of all requests but those for health. Zero: none is.
	Password Secret
	// NoAuth shows everything without a password at an address that other machines can reach. Otherwise they are shown
	// health and metrics there.
	NoAuth bool
	// ShowKeys names the keys of slow commands, hot and big keys at an address that other machines can reach.
	ShowKeys bool
	// Pprof adds the profiles of the Go runtime.
	Pprof bool
}

// IsLocal reports whether only this machine can reach it.
func (a *Admin) IsLocal() bool { return isLocal(a.Listen) }

// NamesKeys reports whether keys are named; values never are.
func (a *Admin) NamesKeys() bool { return a.ShowKeys || a.IsLocal() }

// admin checks the address, and that no other setting of it stands alone.
func (v *validation) admin(c Gateway) {
	v.service = -1
	a := &c.Admin
	if a.Password.File != "" && a.Password.Value != "" {
		v.fault(Fault{Setting: "admin-password-file", Other: "admin-password",
			Text: "conflicts with admin-password: set only one"})
	}
	if a.NoAuth && !a.Password.IsZero() {
		v.fault(Fault{Setting: "admin-no-auth", Other: "admin-password-file",
			Text: "conflicts with a password: set only one"})
	}
	for _, host := range a.Hosts {
		if err := checkHost(host); err != nil {
			v.fault(Fault{Setting: "admin-hosts", Item: host, Text: quoted(host) + " " + err.Error()})
		}
	}
	if a.Listen == "" {
		for _, other := range []struct {
			setting string
			given   bool
		}{{"admin-hosts", len(a.Hosts) > 0}, {"admin-password-file", a.Password.File != ""},
			{"admin-password", a.Password.Value != ""}, {"admin-no-auth", a.NoAuth},
			{"admin-show-keys", a.ShowKeys}, {"admin-pprof", a.Pprof}} {
			if other.given {
				v.needs(other.setting, "admin", "the address to serve HTTP on")
			}
		}
		return
	}
	if _, _, err := SplitListen(a.Listen); err != nil {
		v.fault(Fault{Setting: "admin", Item: a.Listen, Text: quoted(a.Listen) + " " + err.Error()})
		return
	}
	for i := range c.Services {
		for _, listen := range c.Services[i].Listeners() {
			if overlap(listen, a.Listen) {
				v.fault(Fault{Setting: "admin", Item: a.Listen, Text: fmt.Sprintf("%s overlaps with %s; service %q listens there",
					quoted(a.Listen), quoted(listen), c.Services[i].Name)})
			}
		}
	}
}
