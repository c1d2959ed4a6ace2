package drill

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"evergate/topology"
)

// Commands are shell templates that break and heal servers which the drill did not start. Each is run by sh -c and has
// to finish its work before it ends. {host}, {port} and {address} stand for those of the server, as its Sentinels or
// its cluster name it; {name} for the name that a cluster's node announces, or for the host if it announces none.
type Commands struct {
	// Kill ends a server without a warning, Freeze stops it so that its connections stay open, Heal undoes both.
	Kill, Freeze, Heal string
}

const (
	// commandPatience is how long a command may take, outputPatience how long what it started may hold its output.
	commandPatience = 30 * time.Second
	outputPatience  = time.Second
	// quotedBytesMax bounds how much output of a failed command an error quotes.
	quotedBytesMax = 500
)

// placeholders are replaced in a template by the values of one server.
var placeholders = []string{"{host}", "{port}", "{address}", "{name}"}

// Faulty returns the mistake in a template, or an empty text. A template without a placeholder would break the same
// server whichever is meant.
func Faulty(template string) string {
	for _, p := range placeholders {
		if template == "" || strings.Contains(template, p) {
			return ""
		}
	}
	return fmt.Sprintf("%q has no placeholder for the server: %s", template, strings.Join(placeholders, ", "))
}

// harmless matches words without a special meaning to a shell. Hosts and names come from the network.
var harmless = regexp.MustCompile(`^[A-Za-z0-9_.:][A-Za-z0-9_.:-]*$`)

// expand replaces the placeholders of a template by the values of a server.
func (s *site) expand(template, addr string) (string, error) {
	host, port := topology.SplitAddr(addr)
	name := s.names[addr]
	if name == "" {
		name = host
	}
	for _, word := range []string{host, port, name} {
		if !harmless.MatchString(word) {
			return "", fmt.Errorf("%q cannot be put into a shell command safely", word)
		}
	}
	return strings.NewReplacer("{host}", host, "{port}", port, "{address}", addr, "{name}", name).Replace(template), nil
}

// command runs a template for one server.
func (s *site) command(ctx context.Context, template, addr string) error {
	text, err := s.expand(template, addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", text)
	cmd.WaitDelay = outputPatience
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrWaitDelay) { // it has ended well, what it started lives on
		err = nil
	}
	if err != nil {
		output := strings.TrimSpace(string(out))
		return fmt.Errorf("%s: %w: %.*s", text, err, quotedBytesMax, output)
	}
	return nil
}

// handsByCommand returns hands for servers that are not the drill's own. They record which servers are broken.
func (s *site) handsByCommand(c Commands) hands {
	breaks := func(template, how string) func(context.Context, string) error {
		return func(ctx context.Context, addr string) error {
			s.hurt[addr] = how // set first: a command that fails may have broken it
			began := time.Now()
			err := s.command(ctx, template, addr)
			s.blow = max(s.blow, time.Since(began))
			return err
		}
	}
	kill := breaks(c.Kill, "killed")
	return hands{kill: kill, stop: kill, freeze: breaks(c.Freeze, "frozen"),
		heal: func(ctx context.Context, addr string) error {
			err := s.command(ctx, c.Heal, addr)
			if err == nil {
				delete(s.hurt, addr)
				s.rejoined = s.rejoined || slices.Contains(s.sentinels, addr)
			}
			return err
		}}
}
