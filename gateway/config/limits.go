package config

import "time"

// SharedLimits bound what all clients may take together.
type SharedLimits struct {
	// ClientMemoryMax is how many bytes may be kept for all clients together, in their buffers (Redis:
	// maxmemory-clients). Past it the clients with the most are closed. Zero: no bound.
	ClientMemoryMax int64
	// ClientsPerAddress is the most clients of one address, or of one IPv6 network of 64 bits. Zero: no limit.
	ClientsPerAddress int
	// AddressRate is that of each address, or of each IPv6 network of 64 bits. Default: no limit.
	AddressRate Rate
	// OutputSoft and PushSoft close a client whose pending output stays above them, beside OutputBytesMax and
	// PushBytesMax (Redis: the soft limits of client-output-buffer-limit normal and pubsub). Defaults: none; 8 MiB for
	// 60 s.
	OutputSoft SoftLimit
	PushSoft   SoftLimit
}

// OutputLimit bounds the pending output of a client.
type OutputLimit struct {
	Bytes int64
	Soft  SoftLimit
}

// SoftLimit is a number of bytes that may be exceeded for a time. Zero bytes: no limit.
type SoftLimit struct {
	Bytes int64
	For   time.Duration
}

// BoundClientMemory sets ClientMemoryMax.
func (l *SharedLimits) BoundClientMemory(max int64) { l.ClientMemoryMax = max }
