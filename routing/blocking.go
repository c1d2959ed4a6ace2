package routing

// Unit is the unit of a timeout.
type Unit uint8

const (
	// Seconds, possibly with a fraction: 1.5.
	Seconds Unit = iota
	// Milliseconds, whole ones.
	Milliseconds
)

// Timeout returns the position in args of a blocking command's timeout, and its unit. A value of 0 there means for
// ever. ok is false if the command has none, or too few arguments.
func (c *Command) Timeout(args [][]byte) (at int, unit Unit, ok bool) {
	switch {
	case !c.Has(Blocking):
		return 0, Seconds, false
	case c.Form == Streams:
		_, at = streamOptions(args)
		return at, Milliseconds, at > 0 && at < len(args)
	case c.Waits():
		return len(args) - 1, Milliseconds, len(args) > 1
	case c.Form == Counted: // BLMPOP timeout numkeys ...
		return 1, Seconds, len(args) > 1
	}
	return len(args) - 1, Seconds, len(args) > 1
}

// Keeps reports whether the element that a blocking command takes cannot vanish with its reply: it is moved to another
// key, or stays where it is, or stays known to the server as delivered. Such a command can be retried if it is unknown
// whether it was executed.
func (c *Command) Keeps() bool {
	return c.Form == Streams || c.ID == CmdBLMove || c.ID == CmdBRPopLPush || c.Waits()
}

// Waits reports whether a command waits for the replication of its client's writes (WAIT, WAITAOF).
func (c *Command) Waits() bool { return c.ID == CmdWait || c.ID == CmdWaitAOF }

// RunsDuringScript reports whether a server answers the command while it runs a script, besides what ends that. c may
// be nil.
func (c *Command) RunsDuringScript() bool { return c != nil && c.ID == CmdFunctionStats }
