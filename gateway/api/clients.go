package api

import "time"

// What clients can be sorted by: keys of Client.
const (
	SortID      = "id"
	SortAge     = "age_seconds"
	SortIdle    = "idle_seconds"
	SortMemory  = "memory_bytes"
	SortCommand = "command"
	SortAddr    = "addr"
	SortUser    = "user"
	SortWaits   = "waits"
)

// Clients are those connected now.
type Clients struct {
	// Now is the gateway's clock when it answered.
	Now time.Time `json:"now"`
	// Total is how many clients the selected services have, Shown how many are in Clients.
	Total   int      `json:"total"`
	Shown   int      `json:"shown"`
	Clients []Client `json:"clients"`
}

// Client is a row of CLIENT LIST.
type Client struct {
	// ID is that of CLIENT ID.
	ID int64 `json:"id"`
	// Service is its service; Addr its own address, Local the one it connected to.
	Service string `json:"service"`
	Addr    string `json:"addr"`
	Local   string `json:"local_addr"`
	// Name is what CLIENT SETNAME set, User its name for the ACL.
	Name string `json:"name"`
	User string `json:"user"`
	// Library and LibraryVersion are what CLIENT SETINFO set.
	Library        string `json:"library"`
	LibraryVersion string `json:"library_version"`
	DB             int    `json:"db"`
	// Proto is 2 or 3.
	Proto int `json:"proto"`
	// Age is since it connected, Idle since its last command or reply.
	Age  float64 `json:"age_seconds"`
	Idle float64 `json:"idle_seconds"`
	// Command is its last one, in lower case; empty before the first.
	Command string `json:"command"`
	// Memory is what the gateway keeps for it.
	Memory int64 `json:"memory_bytes"`
	// Flags are those of CLIENT LIST: "N" or letters.
	Flags string `json:"flags"`
	// Waits is why its next request waits, a name as in INFO's sessions_blocked: "no-primary", "blocking-command"; empty
	// if it does not. Waited is how long its request has waited for a server so far; null if it does not.
	Waits  string   `json:"waits"`
	Waited *float64 `json:"waited_ms"`
	// Subscriptions is how many channels and patterns it listens to, Queued how many commands its MULTI has, -1 without
	// one.
	Subscriptions int `json:"subscriptions"`
	Queued        int `json:"queued"`
}

// Slowlog has the newest slow commands, newest first.
type Slowlog struct {
	// Now is the gateway's clock when it answered.
	Now time.Time `json:"now"`
	// Threshold is the shortest time of a command that is recorded; null: none is.
	Threshold *float64 `json:"threshold_us"`
	// Total is how many were recorded since the start, also those no longer kept.
	Total uint64 `json:"total"`
	// KeysShown: SlowCommand.Keys is filled.
	KeysShown bool          `json:"keys_shown"`
	Commands  []SlowCommand `json:"commands"`
}

// SlowCommand is one command that took long. It never has a value of a user: only the command and its keys.
type SlowCommand struct {
	// ID is that of SLOWLOG GET.
	ID int64 `json:"id"`
	// At is when it ended.
	At      time.Time `json:"at"`
	Service string    `json:"service"`
	// Command is its name in lower case, with its subcommand: "config|get"; "other" if the gateway does not know it.
	Command string `json:"command"`
	// Keys are its first few keys, cut to 128 bytes each; KeysMore is how many are left out, all if keys are not shown.
	Keys     []string `json:"keys"`
	KeysMore int      `json:"keys_more"`
	// Arguments is how many arguments it had, RequestBytes and ReplyBytes are its sizes.
	Arguments    int   `json:"arguments"`
	RequestBytes int64 `json:"request_bytes"`
	ReplyBytes   int64 `json:"reply_bytes"`
	// Client and Name are the client's address and name, User its user.
	Client string `json:"client"`
	Name   string `json:"name"`
	User   string `json:"user"`
	// Node answered it; empty if the gateway did, or several.
	Node string `json:"node"`
	// Duration is the whole time; Gateway, Server, Hold and Acks are its parts: in the gateway, at the server with the
	// network to it, waiting for a primary or a connection, and for replicas that must confirm a write.
	Duration float64 `json:"duration_us"`
	Gateway  float64 `json:"gateway_us"`
	Server   float64 `json:"server_us"`
	Hold     float64 `json:"hold_us"`
	Acks     float64 `json:"acks_us"`
}

// HotKeys are the keys that were used most, and the largest values, both as sampled.
type HotKeys struct {
	// Now is the gateway's clock when it answered.
	Now time.Time `json:"now"`
	// On: keys are sampled. KeysShown: they are named; otherwise HotKey.Key and BigKey.Key are empty.
	On        bool `json:"on"`
	KeysShown bool `json:"keys_shown"`
	// Window is how far back the sample reaches, SampleOneIn that one of so many requests is looked at.
	Window      float64 `json:"window_seconds"`
	SampleOneIn int     `json:"sample_one_in"`
	// Hot begins with the hottest key, Big with the largest.
	Hot []HotKey `json:"hot"`
	Big []BigKey `json:"big"`
}

// HotKey is a key that many requests use.
type HotKey struct {
	Key     string `json:"key"`
	Service string `json:"service"`
	// Share is its part of the requests of its service, 0 to 1, PerSecond how many that are: both estimated.
	Share     float64 `json:"share"`
	PerSecond float64 `json:"per_second"`
}

// BigKey is a key whose request or reply was large.
type BigKey struct {
	Key     string `json:"key"`
	Service string `json:"service"`
	// Command is the one that moved Bytes, At when.
	Command string    `json:"command"`
	Bytes   int64     `json:"bytes"`
	At      time.Time `json:"at"`
}
