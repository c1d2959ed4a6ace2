package direct

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/go-hclog"
)

// TestUnblockIsRetried: what comes together goes in one batch, and a server that has not unblocked a client is asked
// again, unless it cannot be.
func TestUnblockIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		var all sync.WaitGroup
		begin := make(chan struct{})
		s := New(About{Logger: hclog.NewNullLogger(),
			Aside: func(f func(context.Context)) {
				all.Go(func() {
					<-begin
					f(t.Context())
				})
			},
			AskMany: func(_ context.Context, addr string, commands [][]any) (replies []int64, err error) {
				var ids []int64
				for _, words := range commands {
					ids = append(ids, words[2].(int64))
					replies = append(replies, words[2].(int64)%2)
				}
				asked = append(asked, fmt.Sprint(addr, ids))
				if addr == "b" {
					err = errors.New("it is gone")
				}
				return replies, err
			},
		})
		for id := range int64(4) {
			s.Unblock("a", id+1)
		}
		close(begin)
		all.Wait()
		s.Unblock("b", 1)
		all.Wait()
		if want := []string{"a[1 2 3 4]", "a[2 4]", "a[2 4]", "a[2 4]", "b[1]"}; !slices.Equal(asked, want) {
			t.Errorf("asked %q, want %q", asked, want)
		}
	})
}
