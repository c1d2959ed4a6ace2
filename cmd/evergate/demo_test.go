package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/cmd/evergate/terminal"
	"evergate/gateway/config"
	"evergate/testenv/servers"
)

func TestDemoWithoutServerExplainsHowToGetOne(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("REDIS_SERVER", "")
	code, _, errOut := try([]string{"demo"}, nil)
	if code != exitFailed || !strings.Contains(errOut, "To install it:\n  ") {
		t.Error(code, errOut)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "apk"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := howToGetServer(dir); !strings.HasSuffix(got, "sudo apk add redis") && !strings.Contains(got, "apt-get") {
		t.Error(got)
	}
}

func TestDemoReportsMistakesBeforeItStarts(t *testing.T) {
	for args, want := range map[string]string{
		"--beside direkt":                "flag --beside: \"direkt\" is not one of direct, haproxy; did you mean \"direct\"?",
		"--beside direct --mode cluster": "flag --beside: needs Sentinels: a cluster replies MOVED",
		"--mode cluser":                  "flag --mode: \"cluser\" is not one of",
	} {
		code, out, errOut := try(append([]string{"demo"}, strings.Fields(args)...), nil)
		if code != exitWrong || !strings.Contains(errOut, want) || out != "" {
			t.Errorf("%s: exit %d\n%s%s", args, code, out, errOut)
		}
	}
}

func TestBriefLogKeepsTheSteps(t *testing.T) {
	var out bytes.Buffer
	line := "2026-02-03T04:05:06.789Z [WARN]  evergate.topology: failover started: service=demo shard=main failover=1 " +
		"began=2026-02-03T04:05:05.000Z after-ms=1789\n"
	if n, err := (brief{&out}).Write([]byte(line)); n != len(line) || err != nil {
		t.Error(n, err)
	}
	want := "04:05:06.789 [WARN] topology: failover started: shard=main failover=1 after-ms=1789\n"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
}

// awaiting waits for words in a log, for three minutes at most: servers start and elect slowly on a busy machine.
func awaiting(t *testing.T, log func() string) func(pattern string) []string {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return func(pattern string) (found []string) {
		t.Helper()
		if err := servers.WaitFor(ctx, pattern, func() error {
			if found = regexp.MustCompile(pattern).FindStringSubmatch(log()); found == nil {
				return errors.New("not yet")
			}
			return nil
		}); err != nil {
			t.Fatalf("%v\n%s", err, log())
		}
		return found
	}
}

// resultPattern is the result after the primary was killed. Its figures are not checked: they depend on the machine's
// load.
const resultPattern = `errors +\d+ of \d{3,} requests.*(?:
    .*)*
  uncertain +\d+ \(\d+ in flight\).*
  no write for +\S+ m?s.*
  no read for +\S+ m?s.*
  the servers needed +[\d.]+ m?s.*
  clients write +\S+ m?s later.*
  receipt +(?:at most \d+ of \d+ lost|loss unknown).*
  read back +\d+ of \d{2,} lost`

// brokenPattern finds broken promises that no busy machine excuses.
var brokenPattern = regexp.MustCompile(`BROKEN: .*(lost|twice|had left|although rejected|wrong).*`)

// TestDemoShowsAndRemovesEverything runs without a terminal: the demo kills by itself, and ends with the result.
func TestDemoShowsAndRemovesEverything(t *testing.T) {
	servers.SkipShort(t)
	for _, mode := range []string{bySentinel, byCluster} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			process, log := built(t, nil, "demo", "--mode", mode, "--listen", "127.0.0.1:0")
			await := awaiting(t, log)
			address := await(`listens on (\S+)`)[1]
			page := await(`in a browser at (http://127\.0\.0\.1:\d+/);`)[1]
			for _, at := range []string{page, page + "metrics"} {
				if answer, err := http.Get(at); err != nil || answer.StatusCode != http.StatusOK {
					t.Errorf("%s: %v, %v", at, answer, err)
				} else {
					_ = answer.Body.Close()
				}
			}
			await("Ctrl-C stops")
			conn := servers.MustDial(t, address)
			if reply, err := conn.Do("SET", "hello", "world"); err != nil || string(reply) != "+OK\r\n" {
				t.Errorf("%q %v", reply, err)
			}
			await(`\d+ writes/s, \d+ reads/s, p99 \S+ ms, \d+ errors?, \d+ uncertain \| keys read/s: `)
			await(`Killing the primary `)
			killed := await(`(\S+) is dead`)[1]
			await(`(?s)is dead.*?has a new primary. The next one to kill:  kill -9 (\d+) +# primary of \S+, (\S+)`)
			await(resultPattern)
			if broken := brokenPattern.FindString(log()); broken != "" {
				t.Errorf("%s\n%s", broken, log())
			}
			if code := ended(t, process, log); code != exitOK {
				t.Errorf("exit %d\n%s", code, log())
			}
			for _, gone := range []string{address, killed} {
				if c, err := net.Dial("tcp", gone); err == nil {
					_ = c.Close()
					t.Errorf("%s still accepts", gone)
				}
			}
		})
	}
}

// TestDemoTakesAnotherAddressForOperators: a second demo can take the one that was free when this one looked.
func TestDemoTakesAnotherAddressForOperators(t *testing.T) {
	asked := []string{}
	w := world{start: func(conf config.Gateway, _ hclog.Logger) (*running, error) {
		if asked = append(asked, conf.Admin.Listen); len(asked) == 1 {
			return nil, syscall.EADDRINUSE
		}
		listens := []net.Addr{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7}}
		return &running{addrs: func() []net.Addr { return listens },
			admin: func() net.Addr { return listens[0] }}, nil
	}}
	d := &demo{mode: byCluster, listen: "127.0.0.1:7", env: &servers.Env{}, screen: terminal.NewScreen(&bytes.Buffer{})}
	conf, err := d.check()
	if err != nil {
		t.Fatal(err)
	}
	err = d.startGateway(w, conf, nil)
	if err != nil || len(asked) != 2 || asked[0] == "" || asked[1] != "127.0.0.1:0" {
		t.Errorf("%v; started with %q for operators", err, asked)
	}
}

// TestDemoReportsThatItsPortIsTaken: the message says what to do.
func TestDemoReportsThatItsPortIsTaken(t *testing.T) {
	taken := greeting(t, func(net.Conn) {})
	var screen bytes.Buffer
	starts := 0
	w := world{start: func(conf config.Gateway, _ hclog.Logger) (*running, error) {
		if starts++; conf.Services[0].Listen[0] == taken {
			_, err := net.Listen("tcp", taken)
			return nil, err
		}
		listens := []net.Addr{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7}}
		return &running{addrs: func() []net.Addr { return listens },
			admin: func() net.Addr { return listens[0] }}, nil
	}}
	d := &demo{mode: byCluster, listen: taken, env: &servers.Env{}, screen: terminal.NewScreen(&screen)}
	conf, err := d.check()
	if err != nil {
		t.Fatal(err)
	}
	err = d.startGateway(w, conf, nil)
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "choose another address with --listen") {
		t.Error(err)
	}
	d.anyPort = true
	notice := taken + " is in use, perhaps by your own Redis: the gateway listens on 127.0.0.1:7 instead"
	if err := d.startGateway(w, conf, nil); err != nil || starts != 5 || d.addr != "127.0.0.1:7" ||
		!strings.Contains(screen.String(), notice) {
		t.Error(err, starts, d.addr, screen.String())
	}
}
