package retry

import "time"

const (
	// RedirectsMax bounds how often one request is redirected or retried without a wait between.
	RedirectsMax = 5
	// Pause is how long a server that was Unable or Busy gets nothing new: clients notice that much more than the servers
	// themselves need.
	Pause = 50 * time.Millisecond
	// retriesMax bounds how often one request is retried whatever its window.
	retriesMax = 250
	// shortPauses is how many times a request is retried after Pause; then it is after longPause.
	shortPauses = 40
	longPause   = 300 * time.Millisecond
	// tryAgainPause is the first pause before a TRYAGAIN is retried; it doubles each time, tryAgainDoublings times.
	tryAgainPause     = 10 * time.Millisecond
	tryAgainDoublings = 5
)

// Limit is how often a request of a client that may wait for window is retried for something that passes with time: as
// often as fits into the window.
func Limit(kind Kind, window time.Duration) uint8 {
	if kind == TryAgain {
		return uint8(min(retriesMax, 5+window/(tryAgainPause<<tryAgainDoublings)))
	}
	retries := uint8(0)
	for retries < retriesMax && Waited(retries) < window {
		retries++
	}
	return retries
}

// pauseAfter is the pause before a request is retried that was retried so often already: a failover is over in a second
// or two, and what lasts longer should not cost much.
func pauseAfter(retries uint8) time.Duration {
	if retries < shortPauses {
		return Pause
	}
	return longPause
}

// Waited is how long a request has been rejected after so many retries.
func Waited(retries uint8) time.Duration {
	short := min(retries, shortPauses)
	return time.Duration(short)*Pause + time.Duration(retries-short)*longPause
}
