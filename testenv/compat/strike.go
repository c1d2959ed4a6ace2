package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"evergate/testenv/servers"
)

// strike kills the primary that serves the key, and waits until the gateway uses another one.
func strike(ctx context.Context, env *servers.Env, gate *servers.Gateway, key string) error {
	victim := env.Primary()
	if victim != nil && len(env.Sentinels) == 0 {
		slot, err := victim.Do("CLUSTER", "KEYSLOT", key)
		if err != nil {
			return err
		}
		number, _ := slot.(int64)
		victim = env.SlotOwner(int(number))
	}
	if victim == nil {
		return errors.New("nobody serves " + key)
	}
	ctx, cancel := context.WithTimeout(ctx, switchPatience)
	defer cancel()
	if err := replicated(ctx, victim); err != nil {
		return err
	}
	if err := victim.Kill(); err != nil {
		return err
	}
	return servers.WaitFor(ctx, "a switch of the gateway", func() error {
		fields, err := failovers(gate)
		if err == nil && (fields["failovers_switched"] == "" || fields["failovers_switched"] == "0") {
			err = errors.New("there was none")
		}
		return err
	})
}

// replicated waits until the replicas have everything that their primary has now: shortly after the start of servers
// the first second of writes may not be replicated yet, and all of it would be lost.
func replicated(ctx context.Context, primary *servers.Node) error {
	var wanted int
	return servers.WaitFor(ctx, "the replicas to follow", func() error {
		reply, err := primary.Do("INFO", "replication")
		if err != nil {
			return err
		}
		text, _ := reply.(string)
		fields := fieldsOf(text)
		if wanted == 0 {
			wanted, err = strconv.Atoi(fields["master_repl_offset"])
		}
		for number := 0; err == nil; number++ {
			replica, there := fields[fmt.Sprintf("slave%d", number)]
			if !there {
				if number == 0 {
					err = errors.New("there is none")
				}
				break
			}
			_, rest, _ := strings.Cut(replica, "offset=")
			offset, _, _ := strings.Cut(rest, ",")
			if has, _ := strconv.Atoi(offset); has < wanted {
				err = fmt.Errorf("one has %d of %d", has, wanted)
			}
		}
		return err
	})
}

// fieldsOf parses a text of INFO.
func fieldsOf(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			fields[name] = value
		}
	}
	return fields
}

// failovers returns INFO failover of the gateway.
func failovers(gate *servers.Gateway) (map[string]string, error) {
	c, err := gate.Dial()
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	text, err := c.Do("INFO", "failover")
	if err != nil {
		return nil, err
	}
	return fieldsOf(string(text)), nil
}

// receiptPatience is how long after the switch a receipt may come: it comes with the confirmation.
const receiptPatience = 20 * time.Second

// receipts returns the gateway's receipt for each switch: how many acknowledged writes it may have lost, or "unknown".
func receipts(ctx context.Context, gate *servers.Gateway) (lost []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, receiptPatience)
	defer cancel()
	err = servers.WaitFor(ctx, "the receipts of all switches", func() error {
		fields, err := failovers(gate)
		if err != nil {
			return err
		}
		lost = lost[:0]
		for number := 0; number < len(fields); number++ {
			line, there := fields[fmt.Sprintf("failover%d", number)]
			if !there {
				continue
			}
			fields := map[string]string{}
			for field := range strings.SplitSeq(line, ",") {
				name, value, _ := strings.Cut(field, "=")
				fields[name] = value
			}
			if fields["from"] == fields["to"] {
				continue
			}
			if fields["lost_at_most"] == "" {
				return fmt.Errorf("%q has none", line)
			}
			lost = append(lost, fields["lost_at_most"])
		}
		if len(lost) == 0 {
			return errors.New("there is none")
		}
		return nil
	})
	return lost, err
}
