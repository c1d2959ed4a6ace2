//go:build !race

package blocks

// mangle spoils buffers that were given back; only under the race detector.
const mangle = false
