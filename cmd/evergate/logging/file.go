package logging

import (
	"fmt"
	"os"
	"sync"
)

// file is a log file that can be opened again.
type file struct {
	name string

	mu sync.Mutex
	f  *os.File
}

func openFile(name string) (*file, error) {
	f := &file{name: name}
	return f, f.reopen()
}

// reopen creates the file if it is missing. Users outside of the group cannot read it: it names clients and servers.
func (f *file) reopen() error {
	opened, err := os.OpenFile(f.name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("log-file: %w", err)
	}
	f.mu.Lock()
	old := f.f
	f.f = opened
	f.mu.Unlock()
	if old != nil {
		_ = old.Close() // every line was written without a buffer
	}
	return nil
}

// Write writes one line, whole to one file.
func (f *file) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.f.Write(p)
}

func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.f.Close()
}
