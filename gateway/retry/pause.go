package retry

import "time"

const (
	// RedirectsMax bounds how often one request is redirected, or retried without a pause.
	RedirectsMax = 5
	// Pause is how long a server that was Unable or Busy gets no new requests: at most this much longer than the server
	// itself needs do clients wait.
	Pause = 50 * time.Millisecond
	// retriesMax bounds how often one request is retried, however long its window is.
	retriesMax = 250
	// shortPauses is how many retries come after Pause; later ones come after longPause.
	shortPauses = 40
	longPause   = 300 * time.Millisecond
	// tryAgainPause is the first pause before a TRYAGAIN is retried; it doubles each time, tryAgainDoublings times.
	tryAgainPause     = 10 * time.Millisecond
	tryAgainDoublings = 5
)

// Limit returns how often a request that may wait for window is retried for a temporary condition: as often as fits
// into the window.
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

// pauseAfter returns the pause after so many retries: most failovers take a second or two, and a longer one should not
// cost much.
func pauseAfter(retries uint8) time.Duration {
	if retries < shortPauses {
		return Pause
	}
	return longPause
}

// Waited returns how long a request with so many retries has been rejected.
func Waited(retries uint8) time.Duration {
	short := min(retries, shortPauses)
	return time.Duration(short)*Pause + time.Duration(retries-short)*longPause
}
