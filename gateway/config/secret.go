package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Secret is a password, or the file that has it. At most one field is set. It prints as "***" with every verb.
type Secret struct {
	// File is read again at each Read, so a rotated password is used at the next dial. One trailing newline is cut.
	File string
	// Value comes from an EVERGATE_*_PASSWORD variable, never from a flag or a settings file.
	Value string
}

// secretBytesMax bounds the reading of a password file: one that names a device by mistake must not fill the memory.
const secretBytesMax = 64 << 10

// IsZero reports whether no password is given.
func (s Secret) IsZero() bool { return s == Secret{} }

// Read returns the current password; a File is read anew. Its errors name the file and never its content.
func (s Secret) Read() (string, error) {
	if s.File == "" {
		return s.Value, nil
	}
	file, err := os.Open(s.File)
	if err != nil {
		return "", fmt.Errorf("password file: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, secretBytesMax+1))
	if err != nil {
		return "", fmt.Errorf("password file: %w", err)
	}
	if len(text) > secretBytesMax {
		return "", fmt.Errorf("password file %s is longer than %d bytes", s.File, secretBytesMax)
	}
	password, found := strings.CutSuffix(string(text), "\n")
	if found {
		password = strings.TrimSuffix(password, "\r")
	}
	if password == "" {
		return "", fmt.Errorf("password file %s: %w", s.File, errEmptySecret)
	}
	return password, nil
}

// errEmptySecret: a file truncated while it is being replaced must not turn into "no password is required".
var errEmptySecret = errors.New("it is empty")

// String is "***", or "" if no password is given.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return "***"
}

// Format keeps every verb (%v, %+v, %#v, %s, %x, ...) from printing the fields.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText keeps encoders (JSON logs, YAML) from printing the fields.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
