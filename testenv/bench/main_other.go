//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: it counts what /proc says of a process, which only Linux has")
	os.Exit(1)
}
