package api

import "time"

// Overview is the process in a few lines.
type Overview struct {
	// Now is the gateway's clock when it answered: a reader shows ages relative to it.
	Now time.Time `json:"now"`
	// Version is "v1.2.3" or "(devel)", Revision the commit, empty if unknown; Modified: the sources differed from it.
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Modified bool   `json:"modified"`
	// Started is when the process began to serve, PID its number, RunID a word that no other run has.
	Started time.Time `json:"started"`
	PID     int       `json:"pid"`
	RunID   string    `json:"run_id"`
	// Host is the name of the machine, to tell several gateways apart.
	Host string `json:"host"`
	// Ready is that of /readyz, NotReady has a sentence for each reason against it.
	Ready    bool     `json:"ready"`
	NotReady []string `json:"not_ready"`
	// Draining: the gateway is stopping; clients are asked to leave.
	Draining bool `json:"draining"`
	// Workers is the number of event loops.
	Workers int `json:"workers"`
	// Clients are connected now, ClientsMax may be.
	Clients    int `json:"clients_now"`
	ClientsMax int `json:"clients_max"`
	// ClientMemory is what is kept for all clients now, ClientMemoryMax its bound, 0 without one.
	ClientMemory    int64 `json:"client_memory_bytes"`
	ClientMemoryMax int64 `json:"client_memory_max_bytes"`
	// Services are the names of all services, in the order of the settings.
	Services []string `json:"services"`
	// KeysShown: slow commands and hot keys are shown with the names of keys; see --admin-show-keys.
	KeysShown bool `json:"keys_shown"`
}

// Ready is what /readyz?verbose answers.
type Ready struct {
	// Ready: the gateway listens, each service had a primary once, and it is not draining. A failover does not change it.
	Ready bool `json:"ready"`
	// NotReady has a sentence for each reason against it, Degraded for each service that works in part only, such as
	// during a failover.
	NotReady []string `json:"not_ready"`
	Degraded []string `json:"degraded"`
}

// Config is all settings that are in effect.
type Config struct {
	// File is the path of the settings file, empty without one.
	File string `json:"file"`
	// Settings has first those of the process, then those of each service, in the order of the reference.
	Settings []Setting `json:"settings"`
}

// Secret stands for the value of a secret setting.
const Secret = "(secret)"

// Setting is one setting, with its value and where it came from.
type Setting struct {
	// Name is that of the flag, without dashes: "max-clients".
	Name string `json:"name"`
	// Service is empty for a setting of the process.
	Service string `json:"service"`
	// Value is written as in the settings file, Secret in place of a secret that is set; empty if not set.
	Value string `json:"value"`
	// Source is "default", or the flag, variable, or file and line that the value came from: "flag --hold",
	// "env EVERGATE_HOLD", "evergate.yaml:12".
	Source string `json:"source"`
	// Default: the value is that of Source "default".
	Default bool `json:"default"`
}
