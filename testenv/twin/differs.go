package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed differs.txt
var differsText string

// difference is a line of differs.txt: COMMAND | HOW | THE GATEWAY'S REPLY | REASON.
type difference struct {
	command string
	how     how
	gateway *regexp.Regexp
	reason  string
	met     int
}

// how is the way in which two replies may differ.
type how string

const (
	anyhow how = "any"   // in everything
	typed  how = "type"  // not in their type
	order  how = "order" // in the order of elements
	nearly how = "near"  // in numbers that depend on time
	ends   how = "ends"  // in everything, like all later replies: the comparison of the program ends
)

// readDiffers parses the list.
func readDiffers(text string) (all []*difference, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.SplitN(line, " | ", 4)
		if len(fields) < 4 {
			return nil, fmt.Errorf("%q does not say COMMAND | HOW | GATEWAY | REASON", line)
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		d := &difference{command: fields[0], how: how(fields[1]), reason: fields[3]}
		switch d.how {
		case anyhow, typed, order, nearly, ends:
		default:
			return nil, fmt.Errorf("%q: %s says not how", line, d.how)
		}
		if d.gateway, err = regexp.Compile("^(?s:" + fields[2] + ")"); err != nil || d.reason == "" {
			return nil, fmt.Errorf("%q has no reason, or %w", line, err)
		}
		all = append(all, d)
	}
	return all, nil
}

// names reports whether the line applies to a command: "*" matches any end.
func (d *difference) names(command string) bool {
	head, open := strings.CutSuffix(d.command, "*")
	return command == d.command || open && strings.HasPrefix(command, head)
}

// allows reports whether the replies differ in an allowed way.
func (d *difference) allows(straight, through []byte) bool {
	if !d.gateway.Match(through) {
		return false
	}
	if d.how == anyhow || d.how == ends {
		return true
	}
	a, _, errA := parse(straight)
	b, _, errB := parse(through)
	if errA != nil || errB != nil {
		return false
	}
	switch d.how {
	case typed:
		return a.kind == b.kind
	case order:
		return a.sorted() == b.sorted()
	}
	return near(a, b)
}
