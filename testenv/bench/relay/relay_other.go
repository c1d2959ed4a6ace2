//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "relay: epoll is needed, which only Linux has")
	os.Exit(1)
}
