//go:build race

package blocks

// poison overwrites buffers that were given back.
const poison = true
