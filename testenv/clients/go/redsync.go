package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"
)

// redsyncClient locks, writes and unlocks.
func redsyncClient(ctx context.Context, addr string) (*work, error) {
	client := redis.NewClient(&redis.Options{Addr: addr, ReadTimeout: patient})
	locks := redsync.New(goredis.NewPool(client))
	// A lock that is to be extended after a failover must live longer than one.
	lock := func() *redsync.Mutex {
		return locks.NewMutex("{compat}:lock", redsync.WithExpiry(time.Minute), redsync.WithRetryDelay(pause),
			redsync.WithTimeoutFactor(0.9))
	}
	var c checks
	first, second := lock(), lock()
	c.same("a lock", nil, first.LockContext(ctx), nil)
	var taken *redsync.ErrTaken
	if err := second.TryLockContext(ctx); !errors.As(err, &taken) {
		c.same("the same lock", nil, err, taken)
	}
	longer, err := first.ExtendContext(ctx)
	c.same("a longer lock", longer, err, true)
	open, err := first.UnlockContext(ctx)
	c.same("an end of it", open, err, true)
	c.same("the next lock", nil, second.TryLockContext(ctx), nil)
	open, err = second.UnlockContext(ctx)
	c.same("its end", open, err, true)
	held := lock()
	return &work{
		library: "redsync", module: "github.com/go-redsync/redsync/v4", key: "{compat}:list",
		ran:      []string{"lock", "try", "extend", "unlock", "a lock around each write, over the switch"},
		settings: "ReadTimeout of go-redis 60 s; locks of a minute, since one of the default's 8 s may end in a failover",
		write: func(ctx context.Context, number int) error {
			if err := held.LockContext(ctx); err != nil {
				return err
			}
			err := client.RPush(ctx, "{compat}:list", strconv.Itoa(number)).Err()
			_, open := held.UnlockContext(ctx)
			return errors.Join(err, open)
		},
		readAll: func(ctx context.Context, _ []int) ([]string, error) {
			return client.LRange(ctx, "{compat}:list", 0, -1).Result()
		},
	}, c.err()
}
