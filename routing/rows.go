package routing

// Builders for the rows of the table files. A row with neither Write nor Read is a query of the server's own state.

func keyless(name string, arity int, traits Trait) *Command {
	return &Command{Name: name, Arity: arity, Traits: traits}
}

// key returns a row with one key, right after the name.
func key(name string, arity int, traits Trait) *Command {
	return keys(name, arity, traits, 1, 1, 1)
}

func keys(name string, arity int, traits Trait, first, last, step int) *Command {
	return &Command{Name: name, Arity: arity, Traits: traits, First: first, Last: last, Step: step}
}

// counted returns a row whose number of keys is at position count, with the keys after it.
func counted(name string, arity int, traits Trait, count int) *Command {
	return &Command{Name: name, Arity: arity, Traits: traits, Form: Counted, Count: count}
}

// stored returns a counted row with a destination right after the name.
func stored(name string, arity int, traits Trait, count int) *Command {
	c := key(name, arity, traits)
	c.Form, c.Count = Counted, count
	return c
}

func streams(name string, arity int, traits Trait) *Command {
	return &Command{Name: name, Arity: arity, Traits: traits, Form: Streams}
}

func form(f KeyForm, c *Command) *Command {
	c.Form = f
	return c
}

func cut(c *Command, how Cut, merge Merge) *Command {
	c.Cut, c.Merge = how, merge
	return c
}

// everywhere returns a row without keys that concerns all primaries.
func everywhere(name string, arity int, traits Trait, merge Merge) *Command {
	return &Command{Name: name, Arity: arity, Traits: traits | Everywhere, Merge: merge}
}

// container returns a row with subcommands, whose positions count from the container's name.
func container(name string, arity int, traits Trait, subcommands ...*Command) *Command {
	for _, sub := range subcommands {
		sub.Name = name + "|" + sub.Name
	}
	return &Command{Name: name, Arity: arity, Traits: traits, within: newIndex(subcommands)}
}
