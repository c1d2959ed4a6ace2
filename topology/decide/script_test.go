package decide

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergate/testenv/golden"
	"evergate/topology"
)

// TestScripts plays the scripts of testdata; package golden has their format. The effects of a command are what State
// did: its own effects, events and views. Nodes have short names: a is the address a:1. script_play_test.go has the
// commands.
func TestScripts(t *testing.T) {
	golden.Scripts(t, "testdata/*.txt", func(t *testing.T) func(string) string { return (&player{t: t}).command })
}

// line is a command cut into its words: verb, subject, bare words and key=value.
type line struct {
	verb, subject string
	words         []string
	values        map[string]string
}

func cut(text string) line {
	l := line{values: map[string]string{}}
	for i, word := range strings.Fields(text) {
		key, value, pair := strings.Cut(word, "=")
		switch {
		case i == 0:
			l.verb = word
		case pair && key != "" && (key[0] < '0' || key[0] > '9'):
			l.values[key] = value
		case l.subject == "":
			l.subject = word
		default:
			l.words = append(l.words, word)
		}
	}
	return l
}

func (l line) number(key string) int {
	n, _ := strconv.Atoi(l.values[key])
	return n
}

func (l line) has(word string) bool {
	for _, w := range l.words {
		if w == word {
			return true
		}
	}
	return false
}

// list is a comma-separated value.
func (l line) list(key string) []string {
	return strings.FieldsFunc(l.values[key], func(r rune) bool { return r == ',' })
}

// player is a State with its clock.
type player struct {
	t     *testing.T
	state *State
	now   time.Duration
}

var beginning = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (p *player) step(o topology.Observation) string {
	effects, events := p.state.Step(o, beginning.Add(p.now))
	var out strings.Builder
	for _, e := range events {
		fmt.Fprintln(&out, short(e.String()))
	}
	for _, e := range effects {
		switch e := e.(type) {
		case Probe:
			fmt.Fprintln(&out, "probe "+short(e.Addr)+map[bool]string{true: " afresh"}[e.Afresh])
		case Chase:
			fmt.Fprintln(&out, "chase", short(e.Addr))
		case Refresh:
			fmt.Fprintln(&out, strings.TrimSpace("refresh "+short(strings.Join(e.Ask, " "))))
		case Publish:
			fmt.Fprintln(&out, short(picture(e.View)))
		}
	}
	return out.String()
}
