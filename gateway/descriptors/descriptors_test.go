package descriptors

import (
	"testing"

	"evergate/gateway/config"
)

func TestDescriptorsLeaveRoomForServers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                            string
		limit, workers, wanted, servers int
		clients, needed                 int
	}{
		{"all fit", 20_000, 2, 10_000, 3, 10_000, 10_077},
		{"a common default", 1024, 2, 10_000, 3, 947, 10_077},
		{"a large cluster", 1024, 2, 10_000, 60, 512, 10_818},
		{"few: half is kept", 100, 2, 10_000, 3, 50, 10_077},
		{"few wanted", 1024, 2, 100, 3, 100, 177},
	} {
		conf := config.Gateway{Workers: c.workers, Services: []config.Service{{Cluster: make([]string, c.servers)}},
			Limits: config.Limits{ClientsMax: c.wanted}}
		d := New(&conf, c.limit, 0)
		if d.ClientsMax() != c.clients || d.needed() != c.needed {
			t.Errorf("%s: %d clients, needs %d; want %d, %d", c.name, d.ClientsMax(), d.needed(), c.clients, c.needed)
		}
	}
}
