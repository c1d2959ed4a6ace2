package play

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"math"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/worker"
	"evergate/topology"
)

// defaults fills in what a test leaves out: one service, whose requests wait two seconds for a primary; room for 64
// MiB; no other worker; no password; clients numbered from 1; scripts are remembered.
func (l *Loop) defaults(conf *worker.Config, env *worker.Env) {
	if conf.Services == nil {
		hold := session.Hold{Mode: session.HoldFor, Window: 2 * time.Second}
		conf.Services = []worker.Service{{Name: "main", Hold: hold}}
	}
	if conf.Limits == (resp.Limits{}) {
		conf.Limits = resp.DefaultLimits()
	}
	if conf.QueryBytesMax == 0 {
		conf.QueryBytesMax = 64 << 20
	}
	if conf.OutputBytesMax == 0 {
		conf.OutputBytesMax = 64 << 20
	}
	if env.View == nil {
		env.View = func(int) *topology.View { return l.View }
	}
	if env.Report == nil {
		env.Report = func(int, topology.Report) {}
	}
	if env.Admin == nil {
		env.Admin = func(r admin.Request) { l.Asked = append(l.Asked, r) }
	}
	if env.Random == nil {
		env.Random = func(b []byte) { clear(b) }
	}
	if env.ClientNumber == nil {
		env.ClientNumber = func() int64 {
			l.numbers++
			return l.numbers
		}
	}
	if env.WallClock == nil {
		env.WallClock = func() time.Time { return time.Unix(0, 0) }
	}
	if env.Script == nil {
		env.ScriptSeen = func(_ int, body []byte) { l.scripts[nameOf(body)] = bytes.Clone(body) }
		env.Script = func(_ int, name []byte) []byte { return l.scripts[string(name)] }
		env.ScriptsForgotten = func(int) { clear(l.scripts) }
	}
	if env.LongScripts == nil {
		long := make([]int, max(conf.Places, len(conf.Services)))
		env.LongScripts = func(service, add int) int {
			long[service] += add
			return long[service]
		}
	}
}

// nameOf is the name by which EVALSHA calls a script.
func nameOf(body []byte) string {
	sum := sha1.Sum(body)
	return hex.EncodeToString(sum[:])
}

// Answer has the worker, which is the only one, do its part of a request to all workers, and replies to it. unblocks
// says that servers do CLIENT UNBLOCK; where they do not, the worker answers for them. reply replaces the worker's
// reply where it is not nil: what servers say to INFO and CONFIG.
func (l *Loop) Answer(r *admin.Request, unblocks bool, reply []byte) admin.Partial {
	partial := l.Worker.Admin(r)
	if partial.Blocked != nil {
		partial.Count = 1
		if !unblocks {
			partial.Count = l.Worker.Unblock(r)
		}
	}
	if reply == nil {
		reply = r.Reply([]admin.Partial{partial})
	}
	l.Worker.AdminReply(r.Client, r.Seq, reply)
	l.Check()
	return partial
}

// Drain has the worker close what has nothing to do, and returns how many clients are left; see worker.Drain for all.
func (l *Loop) Drain(all bool) int {
	left := l.Worker.Drain(all, math.MaxInt)
	l.Check()
	return left
}
