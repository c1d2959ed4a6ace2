// Package servers starts real Redis servers, breaks them, and talks to them byte by byte.
//
// Tests of all rooms, the demo and the drills use it. Servers listen on free loopback ports, have their files in a
// temporary directory, and end with the process that started them, however that ends. Typical use in a test:
//
//	env := servers.StartSentinel(t, servers.Options{Replicas: 2, Sentinels: 3, Fast: true})
//	gate := servers.StartGateway(t, "--sentinel", env.SentinelAddrs(), "--master-name", "main")
//
//	old := env.Primary()
//	old.Kill()
//	servers.Until(t, servers.Patience, "a new primary", func() error {
//		if p := env.Primary(); p == nil || p == old {
//			return errors.New("none yet")
//		}
//		return nil
//	})
//
//	conn := servers.MustDial(t, gate.Addr)
//	reply, err := conn.Do("PING") // []byte("+PONG\r\n")
//
// And outside of tests, where errors are returned and the caller closes:
//
//	env, err := servers.Cluster(servers.Options{Primaries: 3, Replicas: 1})
//	if err != nil { ... }
//	defer env.Close()
//
// The server is $REDIS_SERVER, else redis-server, else valkey-server on the path. Sentinels are the same binary started
// with --sentinel. Waits poll a condition (WaitFor); nothing here sleeps for a fixed time instead.
//
// Rejected: containers (slow, and they hide the process that is to be frozen), redis-cli --cluster create (it asks,
// waits for fixed times, and is not on every machine), and one shared set of servers for all tests (one test kills the
// primary of another).
package servers
