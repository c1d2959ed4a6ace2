package worker

import (
	"time"

	"evergate/gateway/access"
	"evergate/gateway/fanout"
	"evergate/gateway/multi"
	"evergate/gateway/pubsub"
	"evergate/gateway/sessions"
	"evergate/topology"
)

// fill sets what the caller has left out.
func (w *Worker) fill() {
	w.conf.fill()
	if w.env.Config == nil {
		w.env.Config = func() *Config { return nil }
	}
	if w.env.Settled == nil {
		w.env.Settled = func(int, uint64) {}
	}
	if w.env.Acked == nil {
		w.env.Acked = func(int, topology.NodeID, int) {}
	}
	if w.env.Left == nil {
		w.env.Left = func(string) {}
	}
	if w.env.Unserved == nil {
		w.env.Unserved = func(int, string) {}
	}
	if w.env.Shown == nil {
		w.env.Shown = func([]int, []byte) {}
	}
	if w.env.Script == nil {
		w.env.ScriptSeen = func(int, []byte) {}
		w.env.Script = func(int, []byte) []byte { return nil }
		w.env.ScriptsForgotten = func(int) {}
		alone := make([]int, w.conf.Places)
		w.env.LongScripts = func(service, add int) int {
			alone[service] += add
			return alone[service]
		}
	}
	fillUsers(&w.env)
	if w.env.Print == nil {
		w.env.Print = multi.FirstPrint
	}
	w.countAlone()
	(*noticed)(w).alone()
}

// fillUsers sets the functions about users that the caller has left out.
func fillUsers(env *Env) {
	if env.Users == nil {
		all := access.WithoutPassword()
		env.Users = func(int) *access.Users { return all }
	}
	if env.AuthDelay == nil {
		env.AuthDelay = func(int, string, string) time.Duration { return 0 }
		env.AuthFailed = func(int, string, string) {}
	}
	if env.Denied == nil {
		env.Denied = func(int, access.Entry) {}
		env.Denials = func(int) []access.Entry { return nil }
		env.ForgetDenials = func(int) {}
	}
}

// countAlone sets the functions about subscribers that the caller has left out: there is one worker.
func (w *Worker) countAlone() {
	if w.env.Gap == nil {
		w.env.Gap = func(int, pubsub.Gap) {}
	}
	if w.env.Cut == nil {
		w.env.Cut = func(int, sessions.Cut) {}
	}
	if w.env.Malformed == nil {
		w.env.Malformed = func(int, string, string) {}
	}
	if w.env.Counted == nil {
		all := make([]fanout.Census, w.conf.Places)
		w.env.Counted = func(s int, k fanout.Kind, name string, node topology.NodeID, listeners, conns int) {
			all[s].Count(k, name, node, listeners, conns)
		}
		w.env.Count = func(s int, q fanout.Count) (listeners, conns int) { return q.Of(&all[s]) }
	}
}
