package worker

import (
	"evergate/gateway/access"
	"evergate/gateway/local"
	"evergate/gateway/policy"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/transaction"
	"evergate/routing"
)

// The rights of a client's user are checked in one step, isDenied, which every request comes to: those that the
// gateway answers itself, too, and each command that is queued in a transaction. What is executed or queued must have
// the permit of that step, see isUnchecked. What was executed once is not checked when it is retried.

// isDenied rejects what the user may not do. An unknown command is rejected anyway.
func (r *request) isDenied(w *Worker) bool {
	if r.command == nil {
		return false
	}
	var denied access.Denial
	r.permit, denied = r.c.Rights().Check(r.command, r.args, nil)
	return (denied.Reason != access.Allowed || r.c.Terms().Databases != nil) && r.deny(w)
}

// deny answers with the error, or asks a server for the keys if only a server knows them.
func (r *request) deny(w *Worker) bool {
	if local.Closes(r.command) {
		return false
	}
	var denied access.Denial
	switch r.permit, denied = w.policy.Check(r.c, r.command, r.args); denied.Reason {
	case access.Allowed:
		return false
	case access.KeysUnknown:
		return r.ends(w.inquiries.Done(r.c, w.inquiries.Keys(r.c, r.args)))
	}
	w.counts.Denied++
	return r.reject(w, w.policy.Deny(r.c, r.command, r.args, denied))
}

// reject answers a request with an error that comes before all that a transaction would do.
func (r *request) reject(w *Worker, why []byte) bool {
	switch {
	case r.command != nil && r.command.ID == routing.CmdExec:
		return r.ends(w.transactions.EndExec(r.c, append([]byte(transaction.Because), why[1:]...)))
	case r.c.Multi != nil:
		return r.ends(w.transactions.Abort(r.c, why))
	}
	w.x.Refuse(r.c, why)
	return r.ends(true)
}

// endsTunnel closes a client that sends in a tunnel what its user may not, or what no setting permits: an error would
// come in the middle of the stream. What begins a tunnel came through all steps; what follows in it comes only here.
func (r *request) endsTunnel(w *Worker) bool {
	if r.command == nil {
		return false
	}
	permit, denied := w.policy.Check(r.c, r.command, r.args)
	switch {
	case !permit.Covers(r.command):
		w.counts.Denied++
		w.policy.Deny(r.c, r.command, r.args, denied)
	case r.command.Has(routing.Replication) && !r.c.Service.Permits(r.command):
	default:
		if w.policy.Audits(r.command) {
			w.policy.Audit(r.c, policy.Allowed, r.command, r.args)
		}
		return false
	}
	w.x.Close(r.c, session.ProtocolError)
	return r.ends(true)
}

// isRejected reports whether a request is rejected whatever the rights: nothing permits it.
func (r *request) isRejected() bool { return r.d.Kind == routing.Refuse && !r.c.Allows(r.d, r.command) }

// unchecked is the error for a request that no step has checked.
var unchecked = resp.AppendError(nil,
	"NOPERM evergate: the rights to the command were not checked; it was not executed. This is a bug: please report it")

// isUnchecked rejects a request that has no permit, and is not rejected anyway: a mistake in the steps must not be a
// way past the rights.
func (r *request) isUnchecked(w *Worker) bool {
	if r.permit.Covers(r.command) || r.isRejected() {
		return false
	}
	w.unchecked = true
	return r.reject(w, unchecked)
}
