package gateway

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Secret is a password, or where to find it. At most one field is set. It prints as "***", whatever the verb.
type Secret struct {
	// File is read again at each Read, so a rotated password is taken at the next dial. One trailing newline is cut.
	File string
	// Value comes from an EVERGATE_*_PASSWORD variable, never from a flag or a file of settings.
	Value string
}

// secretBytesMax bounds what is read of a password file: one that names a device by mistake must not fill the memory.
const secretBytesMax = 64 << 10

// IsZero says that no password is given.
func (s Secret) IsZero() bool { return s == Secret{} }

// Read gives the password as it is now; a File is read anew. Its errors name the file and never what is in it.
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

// errEmptySecret: a file cut to nothing while it is being replaced must not become "no password is asked".
var errEmptySecret = errors.New("it is empty")

// String is "***", or "" where no password is given.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return "***"
}

// Format keeps every verb (%v, %+v, %#v, %s, %x, ...) from looking into the fields.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText keeps encoders (JSON logs, YAML) from looking into the fields.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
