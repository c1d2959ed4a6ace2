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
	// unfit says for a topology why the library cannot work there, whatever stands before it.
	unfit map[string]string
	// absent says on a machine where it cannot be run what is missing.
	absent func() string
}

// built is where make puts what is compiled and installed for the programs.
var built = filepath.Join(".cache", "compat")

var clients = []client{
	python("redis-py", "with_redis.py", "redis"),
	python("django-redis", "with_django_redis.py", "django_redis"),
	python("rq", "with_rq.py", "rq").not("cluster", "its transactions have keys in several slots, and no setting puts "+
		"them into one"),
	python("celery", "with_celery.py", "celery, redis"),
	node("ioredis", "with_ioredis.js"),
	node("node-redis", "with_node_redis.js"),
	node("bullmq", "with_bullmq.js"),
	node("bull", "with_bull.js"),
	goClient("go-redis"), goClient("redigo"), goClient("rueidis"), goClient("valkey-go"), goClient("redsync"),
	goClient("asynq"),
	interpreted("php-redis", "php", "with_php_redis.php", "-r", "exit((int) !extension_loaded('redis'));"),
	interpreted("redis-rb", "ruby", "with_ruby_redis.rb", "-e", "require 'redis'"),
	interpreted("sidekiq", "ruby", "with_sidekiq.rb", "-e", "require 'sidekiq'"),
	{name: "hiredis", command: []string{filepath.Join(built, "hiredis")}, absent: lacks(filepath.Join(built, "hiredis"))},
}

// interpreted is run by an interpreter of that name, which ends well with the arguments probe when it has the library.
func interpreted(name, interpreter, program string, probe ...string) client {
	return client{name: name, command: []string{interpreter, filepath.Join("testenv", "clients", interpreter, program)},
		absent: func() string {
			if exec.Command(interpreter, probe...).Run() != nil {
				return interpreter + " or its library is not here"
			}
			return ""
		}}
}

// not marks a topology in which a library cannot work.
func (c client) not(topology, why string) client {
	c.unfit = map[string]string{topology: why}
	return c
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
