package worker

import (
	"testing"

	"evergate/gateway/admin"
)

// A server may answer in the very round in which the gateway has answered for it: the lane is closed at its end.
func TestUnblockedClientIsAnsweredOnce(t *testing.T) {
	f := newFake()
	c := f.steady()
	f.say(c, "BLPOP q 0")
	f.round()
	f.connect()
	f.round()
	r := admin.Request{Kind: admin.UnblockClient, ID: 1, Services: []int{0}}
	if n := f.w.Unblock(&r); n != 1 {
		t.Fatalf("%d were unblocked", n)
	}
	f.reply(1, "*2\r\n$1\r\nq\r\n$1\r\nx\r\n") // its private lane
	f.wantGot(t, c, "*-1\r\n")
}
