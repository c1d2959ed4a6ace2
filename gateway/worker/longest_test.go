package worker_test

import (
	"testing"
	"time"

	"evergate/gateway/worker"
	"evergate/testenv/play"
)

// longestRound sends a worker half of a long value, as fast as it reads, and returns the longest round meanwhile: for
// so long all other clients waited.
func longestRound(b *testing.B, value int) (longest time.Duration) {
	l := play.New(worker.Config{QueryBytesMax: 1 << 30}, worker.Env{}, play.NewRecord(), b.Fatalf)
	w, piece, reads := l.Worker, make([]byte, 64<<10), true
	id := l.Open(0).ID
	w.ClientRead(id, []byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n"))
	for sent := 0; sent < value/2; l.Now += time.Millisecond {
		began := time.Now()
		w.Tick(l.Now)
		if reads {
			n := len(piece)
			if room, _ := w.ClientRoom(id); len(room) > 0 {
				n = copy(room, room) // the kernel writes them
				w.ClientFilled(id, n)
			} else {
				w.ClientRead(id, piece)
			}
			sent += n
		}
		for _, r := range w.Out().ReadClients {
			reads = r.On
		}
		longest = max(longest, time.Since(began))
	}
	return longest
}

// BenchmarkLongestRound reports the least of all tries: the others have waited for the machine as well.
func BenchmarkLongestRound(b *testing.B) {
	least := time.Hour
	for b.Loop() {
		least = min(least, longestRound(b, 512<<20))
	}
	b.ReportMetric(float64(least.Microseconds()), "us/longest")
}
