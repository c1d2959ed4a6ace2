package throttle

import (
	"slices"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/ratelimit"
	"evergate/gateway/session"
)

// account is what this worker has of an account that all workers share.
type account struct {
	*ratelimit.Account
	commands, bytes ratelimit.Lease
	sessions        int // that are held to it
	// queue has the sessions that wait from head on. at is when it is looked at next; meaningful while any waits.
	queue []session.Ref
	head  int
	at    time.Duration
	// listed: it is one of Throttle.queues.
	listed bool
}

// isOf reports whether the account is a user's. a may be nil.
func (a *account) isOf(user *access.User) bool { return a != nil && a.Name == user.Name() }

// enter returns this worker's part of an account, nil for nil, and counts one more session.
func (t *Throttle) enter(of *ratelimit.Account) *account {
	if of == nil {
		return nil
	}
	a := t.accounts[of]
	if a == nil {
		a = &account{Account: of, commands: ratelimit.NewLease(of.Commands), bytes: ratelimit.NewLease(of.Bytes)}
		t.accounts[of] = a
	}
	a.sessions++
	return a
}

// leave counts one session less, and gives back what the last one leaves. a may be nil.
func (t *Throttle) leave(a *account) {
	if a == nil {
		return
	}
	if a.sessions--; a.sessions == 0 {
		delete(t.accounts, a.Account)
		a.commands.Return()
		a.bytes.Return()
	}
	t.conf.Left(a.Account, t.clock.Now)
}

// ready reports whether a request may go on. If not, at is when it may, and why the error for it.
func (a *account) ready(now time.Duration) (ready bool, at time.Duration, why []byte) {
	if ready, at = a.commands.Ready(now); !ready {
		return false, at, ManyCommands
	}
	if ready, at = a.bytes.Ready(now); !ready {
		return false, at, ManyBytes
	}
	return true, now, nil
}

// quick reports whether a request may go on and nobody waits: the usual case, worth a shortcut. a may be nil.
func (a *account) quick() bool {
	return a == nil || a.commands.Has() && a.bytes.Has() && !a.waits()
}

// spend pays for commands and bytes.
func (a *account) spend(now time.Duration, commands, bytes int64) {
	a.commands.Spend(now, commands)
	a.bytes.Spend(now, bytes)
}

// waits reports whether the queue names any session, be it gone meanwhile.
func (a *account) waits() bool { return a.head < len(a.queue) }

func (a *account) front() session.Ref { return a.queue[a.head] }

func (a *account) pop() {
	if a.head++; a.head*2 > len(a.queue) { // what has been popped is never the most
		a.queue, a.head = slices.Delete(a.queue, 0, a.head), 0
	}
}
