package routing

// Databases are those that a request concerns.
type Databases struct {
	// Own: the one that its client has selected. All: every one.
	Own, All bool
	// Named are arguments with the numbers of others; nil where there are fewer than two.
	Named [2][]byte
}

// Databases returns which databases a request concerns. args fit the arity of the command.
func (c *Command) Databases(args [][]byte) (d Databases) {
	switch c.ID {
	case CmdSelect:
		d.Named[0] = args[1]
	case CmdSwapDB:
		d.Named = [2][]byte{args[1], args[2]}
	case CmdFlushAll, CmdMonitor:
		d.All = true
	case CmdMove:
		d.Own, d.Named[0] = true, args[2]
	case CmdCopy:
		d.Own = true
		for i := 3; i+1 < len(args); i++ {
			if is(args[i], "db") { // the last one counts
				i++
				d.Named[0] = args[i]
			}
		}
	default:
		d.All = c.Has(Replication)
		d.Own = c.Categories&(inKeyspace|inRead|inWrite) != 0 || c.HasKeys()
	}
	return d
}
