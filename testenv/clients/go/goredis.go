package main

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// patient is longer than a failover: the default of 3 s ends while the gateway waits for the new primary, and what is
// then repeated by the library may have been executed.
const patient = 60 * time.Second

func goRedis(ctx context.Context, addr string) (*work, error) {
	client := redis.NewClient(&redis.Options{Addr: addr, ReadTimeout: patient, TLSConfig: secure})
	var c checks
	text, err := client.Set(ctx, "{compat}:text", "value", time.Minute).Result()
	c.same("SET", text, err, "OK")
	text, err = client.Get(ctx, "{compat}:text").Result()
	c.same("GET", text, err, "value")

	var got *redis.StringCmd
	var number *redis.IntCmd
	_, err = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		got, number = p.Get(ctx, "{compat}:text"), p.Incr(ctx, "other")
		return nil
	})
	c.same("a pipeline", []any{got.Val(), number.Val()}, err, []any{"value", int64(1)})

	err = client.Watch(ctx, func(tx *redis.Tx) error {
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			number = p.IncrBy(ctx, "{compat}:number", 42)
			return nil
		})
		return err
	}, "{compat}:number")
	c.same("WATCH and MULTI", number.Val(), err, int64(42))

	script := redis.NewScript("return redis.call('GET', KEYS[1]) .. ARGV[1]")
	for _, sign := range []string{"!", "?"} {
		text, err = script.Run(ctx, client, []string{"{compat}:text"}, sign).Text()
		c.same("EVALSHA", text, err, "value"+sign)
	}

	time.AfterFunc(pause, func() { client.LPush(ctx, "{compat}:queue", "job") })
	popped, err := client.BLPop(ctx, 5*time.Second, "{compat}:queue").Result()
	c.same("BLPOP", popped, err, []string{"{compat}:queue", "job"})

	listener := client.Subscribe(ctx, "news")
	_, err = listener.Receive(ctx)
	c.same("SUBSCRIBE", nil, err, nil)
	heard := listener.Channel()
	listeners, err := client.Publish(ctx, "news", "first").Result()
	c.same("PUBLISH", listeners, err, int64(1))
	c.same("a message", (<-heard).Payload, nil, "first")

	return &work{
		library: "go-redis", module: "github.com/redis/go-redis/v9", key: "{compat}:list",
		ran:      []string{"strings", "pipeline", "WATCH and MULTI", "EVALSHA", "BLPOP", "pub/sub, over the switch"},
		settings: "ReadTimeout 60 s, since the default of 3 s is shorter than many failovers",
		write: func(ctx context.Context, number int) error {
			if err := client.RPush(ctx, "{compat}:list", number).Err(); err != nil {
				return err
			}
			return client.LIndex(ctx, "{compat}:list", -1).Err()
		},
		readAll: func(ctx context.Context, _ []int) ([]string, error) {
			err := until(ctx, "a message of today", func() bool {
				client.Publish(ctx, "news", "second")
				select {
				case m := <-heard:
					return m.Payload == "second"
				case <-time.After(pause):
					return false
				}
			})
			if err != nil {
				return nil, err
			}
			return client.LRange(ctx, "{compat}:list", 0, -1).Result()
		},
	}, c.err()
}
