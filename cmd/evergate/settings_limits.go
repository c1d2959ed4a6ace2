package main

import (
	"os"
	"strconv"

	"evergate/gateway"
)

// clientMemoryAuto stands for half of the memory that this process may use, until the gateway starts.
const clientMemoryAuto = -1

// defaultConfig is a Config without a service, and otherwise with all defaults of the settings.
func defaultConfig() gateway.Config {
	config := gateway.DefaultConfig()
	config.Limits.BoundClientMemory(clientMemoryAuto)
	return config
}

// clientsPerAddressSetting bounds the clients of one address.
func clientsPerAddressSetting() *setting {
	return numberSetting("max-clients-per-address", "N",
		"maximum number of clients of one address; reject further connections (default 0: no maximum)", parseCount,
		strconv.Itoa, func(t target) *int { return &t.config.Limits.ClientsPerAddress })
}

// clientMemorySetting bounds the memory of all clients.
func clientMemorySetting() *setting {
	s := numberSetting("client-memory-max", automatic+"|SIZE",
		"maximum memory of all clients; close those that take most (0: no maximum)", parseAutoSize, showAutoSize,
		func(t target) *int64 { return &t.config.Limits.ClientMemoryMax })
	s.choices = []string{automatic}
	return s
}

func parseAutoSize(text string) (int64, error) {
	if text == automatic {
		return clientMemoryAuto, nil
	}
	return parseSize(text)
}

func showAutoSize(size int64) string {
	if size == clientMemoryAuto {
		return automatic
	}
	return showSize(size)
}

// fillClientMemory puts half of the available memory in place of clientMemoryAuto; no maximum if that is unknown. The
// rest is for requests on their way to servers, for garbage, and for the kernel's buffers.
func fillClientMemory(config *gateway.Config) {
	if config.Limits.ClientMemoryMax != clientMemoryAuto {
		return
	}
	config.Limits.BoundClientMemory(availableMemory(os.DirFS("/")) / 2)
}
