//go:build race

package worker

// mangle spoils buffers that were given back.
const mangle = true
