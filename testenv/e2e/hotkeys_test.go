package e2e

import (
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// TestHotKeysOfAllShards: HOTKEYS counts the requests of all clients, whichever worker serves them and whichever shard
// has the key, before servers of any version.
func TestHotKeysOfAllShards(t *testing.T) {
	t.Parallel()
	inBothTopologies(t, func(t *testing.T, env *servers.Env, gate *servers.Gateway) {
		conn := servers.MustDial(t, gate.Addr)
		expect(t, conn, "$-1\r\n", "HOTKEYS", "GET")
		expect(t, conn, "+OK\r\n", "HOTKEYS", "START", "METRICS", "1", "NET", "COUNT", "2")
		expect(t, conn, "-ERR hotkey tracking session already in progress\r\n", "HOTKEYS", "START", "METRICS", "1", "NET")
		for range 6 { // on other workers, too
			other := servers.MustDial(t, gate.Addr)
			expect(t, other, "$-1\r\n", "GET", "hot:1")
			expect(t, other, "$-1\r\n", "GET", "hot:2")
			expect(t, other, "$-1\r\n", "GET", "hot:1")
		}
		expect(t, conn, "$-1\r\n", "GET", "cold")
		expect(t, conn, "-ERR hotkey tracking session in progress, stop tracking first\r\n", "HOTKEYS", "RESET")
		expect(t, conn, "+OK\r\n", "HOTKEYS", "STOP")
		expect(t, conn, "$-1\r\n", "GET", "late")
		reply, err := conn.Do("HOTKEYS", "GET")
		want := "by-requests\r\n*4\r\n$5\r\nhot:1\r\n:12\r\n$5\r\nhot:2\r\n:6\r\n"
		if err != nil || !strings.HasSuffix(string(reply), want) {
			t.Errorf("HOTKEYS GET: %q, %v", reply, err)
		}
		expect(t, conn, "$-1\r\n", "HOTKEYS", "STOP")
		expect(t, conn, "+OK\r\n", "HOTKEYS", "RESET")
		expect(t, conn, "$-1\r\n", "HOTKEYS", "GET")
	})
}

// TestHotKeysNeedRights: keys are data of users.
func TestHotKeysNeedRights(t *testing.T) {
	t.Parallel()
	env := servers.StartPlain(t, servers.Options{})
	gate := servers.StartGateway(t, "--primary", env.Nodes()[0].Addr, "--users-file", usersFile(t, userLines))
	conn := servers.MustDial(t, gate.Addr)
	expect(t, conn, "+OK\r\n", "AUTH", "app", "app1")
	for _, sub := range []string{"GET", "STOP", "RESET"} {
		expect(t, conn, "-NOPERM User app has no permissions to run the 'hotkeys|"+strings.ToLower(sub)+"' command\r\n",
			"HOTKEYS", sub)
	}
	expect(t, conn, "+OK\r\n", "AUTH", "admin", "of-the-admin")
	expect(t, conn, "$-1\r\n", "HOTKEYS", "GET")
}
