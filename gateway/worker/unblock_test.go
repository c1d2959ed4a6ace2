package worker_test

import (
	"testing"

	"evergate/gateway/admin"
)

// A server may answer in the very round in which the gateway has answered for it: the connection is closed at its end.
func TestUnblockedClientIsAnsweredOnce(t *testing.T) {
	f := newFake(t)
	c := f.steady()
	f.say(c, "BLPOP q 0")
	f.Rest()
	f.connect()
	f.Rest()
	r := admin.Request{Kind: admin.UnblockClient, ID: 1, Services: []int{0}}
	if n := f.Worker.Unblock(&r); n != 1 {
		t.Fatalf("%d were unblocked", n)
	}
	f.reply(1, "*2\r\n$1\r\nq\r\n$1\r\nx\r\n") // its private conn
	f.wantGot(c, "*-1\r\n")
}
