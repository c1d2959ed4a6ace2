package main

import (
	"context"
	"time"

	"github.com/gomodule/redigo/redis"
)

func redigo(ctx context.Context, addr string) (*work, error) {
	pool := &redis.Pool{MaxIdle: 4, DialContext: func(ctx context.Context) (redis.Conn, error) {
		return redis.DialContext(ctx, "tcp", addr, redis.DialUseTLS(secure != nil), redis.DialTLSConfig(secure))
	}}
	do := func(command string, args ...any) (any, error) {
		conn := pool.Get()
		defer func() { _ = conn.Close() }()
		return conn.Do(command, args...)
	}
	var c checks
	text, err := redis.String(do("SET", "{compat}:text", "value", "EX", 100))
	c.same("SET", text, err, "OK")
	text, err = redis.String(do("GET", "{compat}:text"))
	c.same("GET", text, err, "value")

	conn := pool.Get()
	_ = conn.Send("GET", "{compat}:text")
	_ = conn.Send("INCR", "other")
	piped, err := redis.Values(conn.Do(""))
	c.same("a pipeline", piped, err, []any{[]byte("value"), int64(1)})

	watched, err := redis.String(conn.Do("WATCH", "{compat}:number"))
	c.same("WATCH", watched, err, "OK")
	_ = conn.Send("MULTI")
	_ = conn.Send("INCRBY", "{compat}:number", 42)
	numbers, err := redis.Ints(conn.Do("EXEC"))
	c.same("MULTI", numbers, err, []int{42})
	c.same("a connection's end", nil, conn.Close(), nil)

	script := redis.NewScript(1, "return redis.call('GET', KEYS[1]) .. ARGV[1]")
	for _, sign := range []string{"!", "?"} {
		conn := pool.Get()
		text, err = redis.String(script.Do(conn, "{compat}:text", sign))
		c.same("EVALSHA", text, err, "value"+sign)
		c.same("a connection's end", nil, conn.Close(), nil)
	}

	time.AfterFunc(pause, func() { _, _ = do("LPUSH", "{compat}:queue", "job") })
	popped, err := redis.Strings(do("BLPOP", "{compat}:queue", 5))
	c.same("BLPOP", popped, err, []string{"{compat}:queue", "job"})

	listening, err := redis.DialContext(ctx, "tcp", addr, redis.DialUseTLS(secure != nil), redis.DialTLSConfig(secure))
	if err != nil {
		return nil, err
	}
	heard := make(chan string, 1000)
	listener := redis.PubSubConn{Conn: listening}
	c.same("SUBSCRIBE", nil, listener.Subscribe("news"), nil)
	_, subscribed := listener.Receive().(redis.Subscription)
	c.same("its answer", subscribed, nil, true)
	go func() {
		for {
			switch m := listener.Receive().(type) {
			case redis.Message:
				heard <- string(m.Data)
			case error:
				close(heard)
				return
			}
		}
	}()
	listeners, err := redis.Int(do("PUBLISH", "news", "first"))
	c.same("PUBLISH", listeners, err, 1)
	c.same("a message", <-heard, nil, "first")

	return &work{
		library: "redigo", module: "github.com/gomodule/redigo", key: "{compat}:list",
		ran: []string{"strings", "pipeline", "WATCH and MULTI", "EVALSHA", "BLPOP", "pub/sub, over the switch"},
		write: func(_ context.Context, number int) error {
			if _, err := do("RPUSH", "{compat}:list", number); err != nil {
				return err
			}
			_, err := do("LINDEX", "{compat}:list", -1)
			return err
		},
		readAll: func(ctx context.Context, _ []int) ([]string, error) {
			publish := func() { _, _ = do("PUBLISH", "news", "second") }
			if err := until(ctx, "a message of today", said(heard, publish)); err != nil {
				return nil, err
			}
			return redis.Strings(do("LRANGE", "{compat}:list", 0, -1))
		},
	}, c.err()
}
