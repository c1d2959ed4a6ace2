// Package clients is a worker's share of what concerns all workers: CLIENT LIST and KILL over its sessions (list.go),
// PAUSE (pause.go; whether an FCALL may write is known to package inquiry), and MONITOR (monitor.go). Package admin
// makes one request of a command, and one reply of all shares.
package clients

import (
	"fmt"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/exchange"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
	"evergate/gateway/trace"
	"evergate/gateway/wait"
	"evergate/routing"
)

// Config is what Clients need.
type Config struct {
	Exchange *exchange.Exchange
	Clock    *wait.Clock
	// Services is how many there are; see Grow.
	Services int
	Limits   *resp.Limits
	// Admin has every worker do its share of a request.
	Admin func(r admin.Request)
	// WallClock returns the time.
	WallClock func() time.Time
	// Shown has the other workers Show a line to those who watch these services. The bytes are not kept, nor changed.
	Shown func(services []int, line []byte)
	// MayWrite reports whether a command may change data. blocked: a server had to be asked first, and the session is
	// blocked.
	MayWrite func(c *sessions.Session, command *routing.Command, args [][]byte) (writes, blocked bool)
}

// Clients does a worker's share for the sessions of an exchange.
type Clients struct {
	x        *exchange.Exchange
	clock    *wait.Clock
	conf     Config
	monitors trace.Monitors // clients that are shown commands
	pauses   []interval     // by service
	latest   time.Duration  // the last end of a pause of any service; one may have ended before
	args     [][]byte       // scratch
}

// interval is that of CLIENT PAUSE.
type interval struct {
	until time.Duration
	all   bool // not only clients that write
}

// New makes Clients.
func New(conf Config) *Clients {
	return &Clients{x: conf.Exchange, clock: conf.Clock, conf: conf, monitors: trace.NewMonitors(conf.Services),
		pauses: make([]interval, conf.Services)}
}

// Grow makes room for so many services.
func (k *Clients) Grow(services int) {
	k.conf.Services = services
	k.monitors.Grow(services)
	for len(k.pauses) < services {
		k.pauses = append(k.pauses, interval{})
	}
}

// AnyMonitor reports whether the commands of a service's clients are shown to somebody.
func (k *Clients) AnyMonitor(service int) bool { return k.monitors.Watched(service) }

// StartMonitor shows a client the commands from now on, if it waited for that: all workers know.
func (k *Clients) StartMonitor(c *sessions.Session) {
	k.monitors.Show(&c.Monitor, c.Ref, c.Service.Of)
}

// CountMonitors takes note of one monitor more, or less, of some services, in any worker.
func (k *Clients) CountMonitors(services []int, more int) { k.monitors.Count(services, more) }

// Check returns what is wrong with the books of monitors, nil as a rule.
func (k *Clients) Check() error {
	if err := k.monitors.Check(); err != nil {
		return err
	}
	for i := range k.conf.Services {
		for ref := range k.monitors.Sessions([]int{i}) {
			if c := k.x.Session(ref); c == nil || c.Service.Of != i || !c.Monitor.Is() {
				return fmt.Errorf("session %v is shown records of service %d, and is none of its monitors", ref, i)
			}
		}
	}
	return nil
}
