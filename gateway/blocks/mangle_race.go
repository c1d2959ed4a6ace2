//go:build race

package blocks

// mangle spoils buffers that were given back.
const mangle = true
