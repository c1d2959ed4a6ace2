package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"evergate/testenv"
)

func TestScreenRewritesOneLineOnATerminal(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out, columns: func() int { return 10 }}
	s.say("one")
	s.rates("12345678901234", true)
	s.say("two")
	s.rates("next", false)
	s.live("")
	s.say("three")
	want := "one\n" + clearLine + "123456789" + clearLine + "two\n" + "123456789" +
		clearLine + "next" + clearLine + "three\n"
	if out.String() != want {
		t.Errorf("got %q\nwant %q", out.String(), want)
	}
}

func TestScreenWritesLinesElsewhere(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out)
	s.rates("nothing flows", false)
	s.rates("flows", true)
	s.live("never")
	if out.String() != "flows\n" {
		t.Errorf("%q", out.String())
	}
}

func TestDemoWithoutServerSaysHowToGetOne(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("REDIS_SERVER", "")
	code, _, errOut := try([]string{"demo"}, nil)
	if code != exitFailed || !strings.Contains(errOut, "To get it:\n  ") {
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

func TestDemoShowsAndRemovesEverything(t *testing.T) {
	testenv.SkipShort(t)
	for _, mode := range []string{bySentinel, byCluster} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			process, log := built(t, nil, "demo", "--mode", mode, "--listen", "127.0.0.1:0")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			await := func(text string) {
				t.Helper()
				err := testenv.WaitFor(ctx, text, func() error {
					if !strings.Contains(log(), text) {
						return errors.New("not yet")
					}
					return nil
				})
				if err != nil {
					t.Fatalf("%v\n%s", err, log())
				}
			}
			await("Ctrl-C ends")
			address := regexp.MustCompile(`listens on (\S+)`).FindStringSubmatch(log())[1]
			conn := testenv.MustDial(t, address)
			if err := testenv.WaitFor(ctx, "a write", func() error {
				reply, err := conn.Do("SET", "hello", "world")
				if err == nil && string(reply) != "+OK\r\n" {
					return errors.New(string(reply))
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			// Only what flows between two looks makes a rate.
			if err := testenv.WaitFor(ctx, "rates", func() error {
				if _, err := conn.Do("SET", "hello", "world"); err != nil || strings.Contains(log(), " requests/s; keys read/s: ") {
					return err
				}
				return errors.New("not yet")
			}); err != nil {
				t.Fatalf("%v\n%s", err, log())
			}
			kill := regexp.MustCompile(`kill -9 (\d+) +# primary of \S+, (\S+)`).FindStringSubmatch(log())
			pid, err := strconv.Atoi(kill[1])
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			await(kill[2] + " is dead")
			await("has a new primary")
			await(kill[2] + " is back")
			if err := process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if code := ended(t, process, log); code != exitOK {
				t.Errorf("exit %d\n%s", code, log())
			}
			for _, gone := range []string{address, kill[2]} {
				if c, err := net.Dial("tcp", gone); err == nil {
					_ = c.Close()
					t.Errorf("%s still accepts", gone)
				}
			}
		})
	}
}
