package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// client is a library and its program.
type client struct {
	name string
	// command runs the program; the address is added to it.
	command []string
	// absent says on a machine where it cannot be run what is missing.
	absent func() string
}

// built is where make puts what is compiled and installed for the programs.
var built = filepath.Join(".cache", "compat")

var clients = []client{
	python("redis-py", "with_redis.py", "redis"),
	node("ioredis", "with_ioredis.js"),
	node("node-redis", "with_node_redis.js"),
	node("bullmq", "with_bullmq.js"),
	node("bull", "with_bull.js"),
	goClient("go-redis"), goClient("redigo"), goClient("rueidis"), goClient("valkey-go"), goClient("redsync"),
	goClient("asynq"),
}

// python is run by the first Python that has the modules.
func python(name, program, modules string) client {
	interpreter := "/usr/bin/python3"
	for _, candidate := range []string{interpreter, "python3"} {
		if exec.Command(candidate, "-c", "import "+modules).Run() == nil {
			interpreter = candidate
			break
		}
	}
	return client{name: name, command: []string{interpreter, "-B", filepath.Join("testenv", "clients", "python", program)},
		absent: func() string {
			if exec.Command(interpreter, "-c", "import "+modules).Run() != nil {
				return "no Python here has the modules " + modules
			}
			return ""
		}}
}

func node(name, program string) client {
	return client{name: name, command: []string{"node", filepath.Join("testenv", "clients", "node", program)},
		absent: lacks("node")}
}

// goClient is one of the programs in the module testenv/clients/go, which are one binary.
func goClient(name string) client {
	binary := filepath.Join(built, "go-clients")
	return client{name: name, command: []string{binary, name}, absent: lacks(binary)}
}

func lacks(program string) func() string {
	return func() string {
		if strings.Contains(program, string(filepath.Separator)) {
			if _, err := os.Stat(program); err != nil {
				return program + " was not built"
			}
		} else if _, err := exec.LookPath(program); err != nil {
			return program + " is not on the path"
		}
		return ""
	}
}
