// Twin sends the same random commands to a plain server and, through the gateway, to another one, and compares the
// replies byte by byte. Every command of the server is among them, with valid and invalid arguments, in pipelines,
// transactions and scripts, as RESP2, RESP3 and inline, over several connections in turn. Differences must be on a list
// with a reason (differs.txt); any other is printed as the shortest program with it, and the run fails.
//
//	go run ./testenv/twin -commands 1000000
//	go run ./testenv/twin -replicas 2 -commands 100000            with replicas that serve reads
//	go run ./testenv/twin -seed 4711 -commands 200 -verbose       one program again
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"evergate/testenv/servers"
)

// programCommands is the number of commands of a program. Each begins with empty servers, so that it can be repeated
// alone.
const programCommands = 200

type options struct {
	commands int
	seed     uint64
	findings int
	verbose  bool
	replicas int
}

func main() {
	o := options{}
	flag.IntVar(&o.commands, "commands", 1_000_000, "commands to send")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the first program; each has the next one")
	flag.IntVar(&o.findings, "findings", 10, "differences after which to stop")
	flag.IntVar(&o.replicas, "replicas", 0, "replicas of both servers; pauses let those behind the gateway serve reads")
	flag.BoolVar(&o.verbose, "verbose", false, "print the programs")
	flag.Parse()
	code, err := start(o, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// start starts two servers and the gateway, and runs.
func start(o options, out io.Writer) (code int, err error) {
	env, err := servers.Plain(servers.Options{Replicas: o.replicas})
	if err != nil {
		return 1, err
	}
	defer env.Close()
	other, err := servers.Plain(servers.Options{Replicas: o.replicas})
	if err != nil {
		return 1, err
	}
	defer other.Close()
	if err := quickly(env, other); err != nil {
		return 1, err
	}
	gate, err := servers.RunGateway(servers.GatewayOptions{Args: []string{"--primary", other.Primary().Addr}})
	if err != nil {
		return 1, err
	}
	defer gate.Close()
	if code, err = run(o, env.Primary().Addr, gate.Addr, out); err != nil {
		fmt.Fprintf(out, "the gateway's log:\n%s\n", gate.Log())
		return code, err
	}
	if o.replicas > 0 {
		return code, onReplicas(gate.Addr, out)
	}
	return code, nil
}

// onReplicas prints how many requests replicas have served.
func onReplicas(gate string, out io.Writer) error {
	c, err := servers.Dial(gate)
	if err != nil {
		return err
	}
	defer c.Close()
	info, err := c.Do("INFO", "gateway")
	if err != nil {
		return err
	}
	_, after, found := strings.Cut(string(info), "\r\nrequests_to_replicas:")
	served, _, _ := strings.Cut(after, "\r\n")
	if !found || served == "0" {
		return errors.New("replicas have served no request, so nothing is known of their replies")
	}
	fmt.Fprintf(out, "%s requests were served by replicas\n", served)
	return nil
}

// quickly makes blocking commands time out within milliseconds, not at the next tenth of a second.
func quickly(servers ...*servers.Env) error {
	for _, env := range servers {
		if _, err := env.Primary().Do("CONFIG", "SET", "hz", "500"); err != nil {
			return err
		}
	}
	return nil
}

// run sends programs to two addresses. It returns 1 if it has found a difference.
func run(o options, straight, through string, out io.Writer) (code int, err error) {
	differs, err := readDiffers(differsText)
	if err != nil {
		return 1, err
	}
	c, err := servers.Dial(straight)
	if err != nil {
		return 1, err
	}
	defer c.Close()
	grammar, err := askGrammar(c)
	if err != nil {
		return 1, err
	}
	p := &player{straight: straight, through: through, differs: differs}
	if o.replicas > 0 {
		p.pause = time.NewTicker(pauses)
		defer p.pause.Stop()
	}
	begun, found, programs := time.Now(), 0, 0
	for ; p.compared < o.commands && found < o.findings; programs++ {
		seed := o.seed + uint64(programs)
		g := &generator{dice: rand.New(rand.NewPCG(seed, 0)), grammar: grammar}
		steps := g.program(min(programCommands, o.commands))
		if o.verbose {
			for i := range steps {
				fmt.Fprintln(out, steps[i].String())
			}
		}
		f, err := p.play(steps)
		if err != nil {
			return 1, fmt.Errorf("seed %d: %w", seed, err)
		}
		if f != nil {
			found++
			report(p, seed, f, steps[:f.at+1], out)
		}
	}
	fmt.Fprintf(out, "%d commands in %d programs, %s: %d differences that are not on the list\n", p.compared, programs,
		time.Since(begun).Round(time.Second), found)
	for _, d := range differs {
		fmt.Fprintf(out, "%8d  %s (%s): %s\n", d.met, d.command, d.how, d.reason)
	}
	return min(found, 1), nil
}

// report prints a finding and the shortest program that shows it.
func report(p *player, seed uint64, f *finding, steps []step, out io.Writer) {
	fmt.Fprintf(out, "\nseed %d: %s\n  straight %.300q\n  through  %.300q\n", seed, f.command, f.straight, f.through)
	short, last := shorten(p, f, steps)
	fmt.Fprintf(out, "  shown by\n")
	for i := range short {
		fmt.Fprintf(out, "    %.400s\n", short[i].String())
	}
	if last.command != f.command || last.straight != f.straight || last.through != f.through {
		fmt.Fprintf(out, "  as %s\n  straight %.300q\n  through  %.300q\n", last.command, last.straight, last.through)
	}
}

// triesMax bounds the runs to shorten a program.
const triesMax = 400

// shorten removes everything that a difference in the same command does not need.
func shorten(p *player, f *finding, steps []step) ([]step, *finding) {
	name, tries := firstWord(f.command), 0
	shows := func(some []step) *finding {
		if tries++; tries > triesMax {
			return nil
		}
		replayed, err := p.play(some)
		if err != nil || replayed == nil || firstWord(replayed.command) != name {
			return nil
		}
		return replayed
	}
	if apart := singly(steps); len(apart) > len(steps) {
		if replayed := shows(apart); replayed != nil {
			steps, f = apart[:replayed.at+1], replayed
		}
	}
	for size := len(steps) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(steps); {
			less := slices.Concat(steps[:at], steps[at+size:])
			if replayed := shows(less); replayed != nil {
				steps, f = less[:replayed.at+1], replayed
			} else {
				at += size
			}
		}
	}
	return steps, f
}

// singly returns steps with one command each.
func singly(steps []step) (apart []step) {
	for _, s := range steps {
		if s.raw != "" || s.silent {
			apart = append(apart, s)
			continue
		}
		for _, words := range s.commands {
			apart = append(apart, step{conn: s.conn, commands: [][]string{words}, inline: s.inline})
		}
	}
	return apart
}

func firstWord(text string) string {
	for i := range text {
		if text[i] == ' ' {
			return text[:i]
		}
	}
	return text
}
