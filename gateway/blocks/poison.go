//go:build !race

package blocks

// poison overwrites buffers that were given back; only under the race detector.
const poison = false
