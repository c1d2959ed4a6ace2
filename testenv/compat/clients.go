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
	// command runs the program; the address is appended.
	command []string
	// unfit has the reason for each topology in which the library cannot work, with or without a gateway.
	unfit map[string]string
	// secure: the program speaks TLS when it gets a CA.
	secure bool
	// absent returns what the machine lacks to run it; empty if nothing.
	absent func() string
}

// built is the directory in which make installs the programs and their libraries.
var built = filepath.Join(".cache", "compat")

var clients = []client{
	python("redis-py", "with_redis.py", "redis").withTLS(),
	python("django-redis", "with_django_redis.py", "django_redis"),
	python("rq", "with_rq.py", "rq").not("cluster", "its transactions have keys in several slots, and no setting puts "+
		"them into one"),
	python("celery", "with_celery.py", "celery, redis"),
	node("ioredis", "with_ioredis.js").withTLS(),
	node("node-redis", "with_node_redis.js").withTLS(),
	node("bullmq", "with_bullmq.js"),
	node("bull", "with_bull.js"),
	goClient("go-redis").withTLS(), goClient("redigo").withTLS(), goClient("rueidis").withTLS(),
	goClient("valkey-go").withTLS(), goClient("redsync"), goClient("asynq"),
	interpreted("php-redis", "php", "with_php_redis.php", "-r", "exit((int) !extension_loaded('redis'));"),
	interpreted("redis-rb", "ruby", "with_ruby_redis.rb", "-e", "require 'redis'"),
	interpreted("sidekiq", "ruby", "with_sidekiq.rb", "-e", "require 'sidekiq'"),
	{name: "hiredis", command: []string{filepath.Join(built, "hiredis")}, absent: lacks(filepath.Join(built, "hiredis"))},
}

// interpreted returns a client that an interpreter runs; with the arguments probe the interpreter exits with 0 if it
// has the library.
func interpreted(name, interpreter, program string, probe ...string) client {
	return client{name: name, command: []string{interpreter, filepath.Join("testenv", "clients", interpreter, program)},
		absent: func() string {
			if exec.Command(interpreter, probe...).Run() != nil {
				return interpreter + " or its library is not here"
			}
			return ""
		}}
}

// not adds a topology in which a library cannot work.
func (c client) not(topology, why string) client {
	c.unfit = map[string]string{topology: why}
	return c
}

func (c client) withTLS() client {
	c.secure = true
	return c
}

// python returns a client that the first Python with the modules runs.
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

// goClient returns one of the programs in the module testenv/clients/go, which are one binary.
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
