//go:build linux

package main

import (
	"bytes"
	"crypto/sha1"
	"fmt"

	"evergate/testenv/servers"
)

// values are the keys of a load and the size of their values. There are few keys, so that the server's caches serve all
// targets alike.
type values struct {
	size int // bytes of each value, a multiple of 8
	keys int
}

// small are the values of all loads but one.
var small = values{size: 64, keys: 1024}

// valuesOf returns values of a size in bytes: enough keys for many connections to use different ones, and few enough
// for 64 MB.
func valuesOf(size int) values {
	if size <= small.size {
		return small
	}
	return values{size: size, keys: max(64, min(small.keys, 16<<20/size))}
}

// mgetKeys is the number of keys of an MGET, which are in nearly as many slots.
const mgetKeys = 100

// getScript is a GET, so that the difference between EVALSHA and GET is the cost of a script. It must have been loaded.
const getScript = "return redis.call('GET', KEYS[1])"

var getScriptName = fmt.Sprintf("%x", sha1.Sum([]byte(getScript)))

// batch is the bytes that are written at once, and their replies.
type batch struct{ request, replies []byte }

// key returns a name that values of other sizes do not have.
func (v values) key(i int) string { return fmt.Sprintf("bench:%d:%08d", v.size, i%v.keys) }

// value returns a value that belongs to one key only.
func (v values) value(i int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("%08d", i%v.keys)), v.size/8)
}

func key(i int) string   { return small.key(i) }
func value(i int) []byte { return small.value(i) }

// bulk returns the frame of a value.
func bulk(value []byte) []byte { return fmt.Appendf(nil, "$%d\r\n%s\r\n", len(value), value) }

// fill sets every key to its value.
func (v values) fill(addr string) error {
	conn, err := servers.Dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	for i := range v.keys {
		if reply, err := conn.Do("SET", v.key(i), string(v.value(i))); err != nil || string(reply) != "+OK\r\n" {
			return fmt.Errorf("set key %d of %d: %q %w", i, v.keys, reply, err)
		}
	}
	return nil
}

// batches returns one batch for each first key; a connection cycles through them.
func (v values) batches(command string, pipeline int) ([]batch, error) {
	all := make([]batch, v.keys)
	for first := range all {
		b := &all[first]
		for i := first; i < first+pipeline; i++ {
			switch command {
			case "GET":
				b.request = servers.AppendCommand(b.request, "GET", v.key(i))
				b.replies = append(b.replies, bulk(v.value(i))...)
			case "SET":
				b.request = servers.AppendCommand(b.request, "SET", v.key(i), string(v.value(i)))
				b.replies = append(b.replies, "+OK\r\n"...)
			case "MGET":
				request := []string{"MGET"}
				b.replies = fmt.Appendf(b.replies, "*%d\r\n", mgetKeys)
				for of := i; of < i+mgetKeys; of++ {
					request = append(request, v.key(of))
					b.replies = append(b.replies, bulk(v.value(of))...)
				}
				b.request = servers.AppendCommand(b.request, request...)
			case "EVALSHA":
				b.request = servers.AppendCommand(b.request, "EVALSHA", getScriptName, "1", v.key(i))
				b.replies = append(b.replies, bulk(v.value(i))...)
			default:
				return nil, fmt.Errorf("no load for %q: GET, SET, MGET and EVALSHA are known", command)
			}
		}
	}
	return all, nil
}
