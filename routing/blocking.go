package routing

// Unit is what a timeout counts.
type Unit uint8

const (
	// Seconds, with a fraction if it pleases: 1.5.
	Seconds Unit = iota
	// Milliseconds, whole ones.
	Milliseconds
)

// Timeout gives the position in args of what a blocking command says about how long it may block, and its unit. A value
// of 0 there means for ever. ok is false where the command has none, or too few arguments.
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

// Keeps says of a blocking command that what it takes cannot vanish with its reply: it is moved to another key, or
// stays where it is, or stays known to the server as delivered. Such a command can be done again when nobody knows
// whether it was executed.
func (c *Command) Keeps() bool {
	return c.Form == Streams || c.ID == CmdBLMove || c.ID == CmdBRPopLPush || c.Waits()
}

// Waits reports whether a command asks how far the writes of its client have come (WAIT, WAITAOF).
func (c *Command) Waits() bool { return c.ID == CmdWait || c.ID == CmdWaitAOF }
