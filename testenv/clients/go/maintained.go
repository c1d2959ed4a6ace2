package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// maintained is go-redis with default settings while a primary fails over or gateways restart: see
// ../python/maintained.py.
type maintained struct {
	mu         sync.Mutex
	operations int
	errors     map[string]int
	longest    time.Duration
}

// runMaintained works on so many connections until a line comes on standard input.
func runMaintained(addr, connections, notifications string, isCluster bool) error {
	n, err := strconv.Atoi(connections)
	if err != nil {
		return err
	}
	var wanted *maintnotifications.Config
	if notifications == "off" {
		wanted = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	}
	clients := make([]redis.Cmdable, n)
	for i := range clients {
		switch {
		case !isCluster:
			clients[i] = redis.NewClient(&redis.Options{Addr: addr, MaintNotificationsConfig: wanted})
		case i%10 == 0:
			clients[i] = redis.NewClusterClient(&redis.ClusterOptions{Addrs: strings.Split(addr, ","),
				MaintNotificationsConfig: wanted})
		default:
			clients[i] = clients[i-1]
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &maintained{errors: map[string]int{}}
	var begun, all sync.WaitGroup
	for i := range n {
		begun.Add(1)
		all.Go(func() { m.work(ctx, clients[i], i, time.Duration(n)*time.Millisecond, begun.Done) })
	}
	begun.Wait()
	fmt.Println("ready")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	stop()
	all.Wait()
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"library": "go-redis", "version": versionOf("github.com/redis/go-redis/v9"), "operations": m.operations,
		"errors": m.errors, "longest": m.longest.Milliseconds(),
	})
}

func (m *maintained) work(ctx context.Context, client redis.Cmdable, number int, pause time.Duration, begun func()) {
	key, began := "n"+strconv.Itoa(number), sync.OnceFunc(begun)
	for ctx.Err() == nil {
		m.note(func() error { return client.Incr(context.Background(), key).Err() })
		began()
		time.Sleep(pause)
		m.note(func() error { return client.Get(context.Background(), key).Err() })
		time.Sleep(pause)
	}
}

// note does an operation, and counts it.
func (m *maintained) note(operation func() error) {
	began := time.Now()
	err := operation()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.operations++
	m.longest = max(m.longest, time.Since(began))
	if err != nil {
		m.errors[err.Error()]++
	}
}
