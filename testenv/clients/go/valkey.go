package main

import (
	"context"
	"strconv"
	"time"

	"github.com/valkey-io/valkey-go"
)

// valkeyClient does with valkey-go, which began as a copy of rueidis, what rueidis.go does. The names are the same and the
// types are not, so that the two cannot share a line.
func valkeyClient(ctx context.Context, addr string) (*work, error) {
	client, err := valkey.NewClient(valkey.ClientOption{
		InitAddress: []string{addr}, ForceSingleClient: true, DisableCache: true, ConnWriteTimeout: patient,
		TLSConfig: secure,
	})
	if err != nil {
		return nil, err
	}
	var c checks
	b := client.B
	text, err := client.Do(ctx, b().Set().Key("{compat}:text").Value("value").ExSeconds(100).Build()).ToString()
	c.same("SET", text, err, "OK")
	text, err = client.Do(ctx, b().Get().Key("{compat}:text").Build()).ToString()
	c.same("GET", text, err, "value")

	piped := client.DoMulti(ctx, b().Get().Key("{compat}:text").Build(), b().Incr().Key("other").Build())
	text, err = piped[0].ToString()
	c.same("a pipeline", text, err, "value")
	number, err := piped[1].AsInt64()
	c.same("its second answer", number, err, int64(1))

	err = client.Dedicated(func(d valkey.DedicatedClient) error {
		all := d.DoMulti(ctx, d.B().Watch().Key("{compat}:number").Build(), d.B().Multi().Build(),
			d.B().Incrby().Key("{compat}:number").Increment(42).Build(), d.B().Exec().Build())
		numbers, err := all[3].AsIntSlice()
		c.same("WATCH and MULTI", numbers, err, []int64{42})
		return nil
	})
	c.same("a connection of its own", nil, err, nil)

	script := valkey.NewLuaScript("return redis.call('GET', KEYS[1]) .. ARGV[1]")
	for _, sign := range []string{"!", "?"} {
		text, err = script.Exec(ctx, client, []string{"{compat}:text"}, []string{sign}).ToString()
		c.same("EVALSHA", text, err, "value"+sign)
	}

	push := b().Lpush().Key("{compat}:queue").Element("job").Build()
	time.AfterFunc(pause, func() { client.Do(ctx, push) })
	popped, err := client.Do(ctx, b().Blpop().Key("{compat}:queue").Timeout(5).Build()).AsStrSlice()
	c.same("BLPOP", popped, err, []string{"{compat}:queue", "job"})

	heard := make(chan string, 1000)
	go func() {
		_ = client.Receive(ctx, b().Subscribe().Channel("news").Build(), func(m valkey.PubSubMessage) {
			heard <- m.Message
		})
	}()
	publish := func(text string) {
		client.Do(ctx, b().Publish().Channel("news").Message(text).Build())
	}
	c.same("a message", nil, until(ctx, "it", said(heard, func() { publish("second") })), nil)

	return &work{
		library: "valkey-go", module: "github.com/valkey-io/valkey-go", key: "{compat}:list",
		ran: []string{"strings", "pipeline", "WATCH and MULTI", "EVALSHA", "BLPOP", "pub/sub, over the switch"},
		settings: "ConnWriteTimeout 60 s, since the default of 10 s may be shorter than a failover; without a cache; " +
			"ForceSingleClient, which makes no difference between the topologies",
		write: func(ctx context.Context, number int) error {
			add := b().Rpush().Key("{compat}:list").Element(strconv.Itoa(number)).Build()
			if err := client.Do(ctx, add).Error(); err != nil {
				return err
			}
			return client.Do(ctx, b().Lindex().Key("{compat}:list").Index(-1).Build()).Error()
		},
		readAll: func(ctx context.Context, _ []int) ([]string, error) {
			for len(heard) > 0 {
				<-heard
			}
			if err := until(ctx, "a message of today", said(heard, func() { publish("second") })); err != nil {
				return nil, err
			}
			return client.Do(ctx, b().Lrange().Key("{compat}:list").Start(0).Stop(-1).Build()).AsStrSlice()
		},
	}, c.err()
}
