package main

import (
	"context"
	"errors"
	"log"
	"strconv"
	"sync"
	"time"

	"github.com/hibiken/asynq"
)

// quietLog takes what asynq says of its connections: it is no error that an application sees.
type quietLog struct{}

func (quietLog) Debug(...any)     {}
func (quietLog) Info(...any)      {}
func (quietLog) Warn(...any)      {}
func (quietLog) Error(all ...any) { log.Println(all...) }
func (quietLog) Fatal(all ...any) { log.Fatal(all...) }

// asynqClient adds tasks and works on them in the same process.
func asynqClient(ctx context.Context, addr string) (*work, error) {
	options := asynq.RedisClientOpt{Addr: addr, ReadTimeout: patient, WriteTimeout: patient}
	var mu sync.Mutex
	done := map[string]int{}
	failed := errors.New("as it should")
	server := asynq.NewServer(options, asynq.Config{
		Concurrency: 4, Logger: quietLog{}, DelayedTaskCheckInterval: 100 * time.Millisecond,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return 10 * time.Millisecond },
	})
	err := server.Start(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		if retried, _ := asynq.GetRetryCount(ctx); t.Type() == "fails once" && retried == 0 {
			return failed
		}
		mu.Lock()
		defer mu.Unlock()
		done[string(t.Payload())]++
		return nil
	}))
	if err != nil {
		return nil, err
	}
	client := asynq.NewClient(options)
	add := func(kind string, number int, how ...asynq.Option) error {
		_, err := client.Enqueue(asynq.NewTask(kind, []byte(strconv.Itoa(number))), how...)
		return err
	}
	has := func(number int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return done[strconv.Itoa(number)] > 0
		}
	}
	var c checks
	c.same("a task", nil, add("now", -1), nil)
	c.same("a delayed task", nil, add("later", -2, asynq.ProcessIn(200*time.Millisecond)), nil)
	c.same("a task that fails once", nil, add("fails once", -3), nil)
	c.same("a unique task", nil, add("unique", -4, asynq.TaskID("one"), asynq.Retention(time.Minute)), nil)
	if err := add("unique", -5, asynq.TaskID("one")); !errors.Is(err, asynq.ErrTaskIDConflict) {
		c.same("the same task", nil, err, asynq.ErrTaskIDConflict)
	}
	for number := -1; number >= -4; number-- {
		c.same("what is done", nil, until(ctx, strconv.Itoa(number), has(number)), nil)
	}
	if has(-5)() {
		c.same("what is not done", true, nil, false)
	}
	return &work{
		library: "asynq", module: "github.com/hibiken/asynq", key: "asynq:{default}:pending",
		ran:      []string{"tasks", "delayed tasks", "retries", "unique tasks", "tasks added and worked on over the switch"},
		settings: "ReadTimeout and WriteTimeout 60 s, since the default of 3 s is shorter than many failovers",
		write:    func(_ context.Context, number int) error { return add("steady", number) },
		readAll: func(ctx context.Context, acknowledged []int) ([]string, error) {
			for _, number := range acknowledged { // what a receipt tells of may be missing; the runner judges that
				if err := until(ctx, strconv.Itoa(number), has(number)); err != nil {
					log.Println(err)
					break
				}
			}
			mu.Lock()
			defer mu.Unlock()
			var list []string
			for number := range done {
				if number[0] != '-' {
					list = append(list, number)
				}
			}
			return list, nil
		},
	}, c.err()
}
