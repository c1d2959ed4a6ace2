package resp

import "iter"

// Commands yields the arguments of each command in pieces that hold whole frames, up to the first that is not whole.
// They are valid until the next one is wanted.
func Commands(pieces [][]byte, l *Limits) iter.Seq[[][]byte] {
	return func(yield func([][]byte) bool) {
		var scan Scanner
		var args [][]byte
		for _, frames := range pieces {
			for len(frames) > 0 {
				size, words, status := scan.Next(frames, args, l)
				if status != Frame || !yield(words) {
					return
				}
				args = words[:0]
				frames = frames[size:]
			}
		}
	}
}
