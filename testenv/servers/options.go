package servers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Options describe the servers to start. The zero value is one server without a password; the comment of each field has
// its default.
type Options struct {
	// Binary is the server to run. Empty: ServerBinary finds one.
	Binary string
	// Password is required by every data server (requirepass) and used between them (masterauth). Empty: none.
	Password string
	// ACL are the lines of an ACL file for every data server, "user alice on >secret ~* +@all". With a line for
	// the default user in it, leave Password empty and name a user in User.
	ACL []string
	// User and UserPassword are for replicas, Sentinels and Node.Client instead of Password. Empty: Password.
	User, UserPassword string
	// Host is the loopback address of all servers. Default 127.0.0.1; the other is ::1.
	Host string
	// Config has extra lines for every data server's file; they come last, so they override others.
	Config []string
	// NodeConfig returns further lines for the data server with this index, over all groups. May be nil.
	NodeConfig func(index int) []string
	// Persist keeps an append-only file, so that a server has its keys after Kill and Restart. Default: it has none.
	Persist bool

	// TLS has servers and Sentinels speak TLS alone, also with each other, and require certificates of clients: Env.TLS
	// has them. Default: no TLS.
	TLS bool

	// Replicas is the number of replicas of each primary. Default 0.
	Replicas int

	// Masters are the names of the primaries that Sentinels monitor. Default "main".
	Masters []string
	// Sentinels is their number. Default 3.
	Sentinels int
	// Quorum is how many must agree that a primary is down. Default: a majority.
	Quorum int
	// DownAfter is the Sentinels' down-after-milliseconds. Default 500 ms when Fast, else 5 s.
	DownAfter time.Duration
	// FailoverTimeout is the Sentinels' failover-timeout. Default 3 s when Fast, else 20 s.
	FailoverTimeout time.Duration
	// Fast shortens the Sentinels' periods (SENTINEL DEBUG, Redis 7.0 and later; elsewhere they stay).
	Fast bool
	// SentinelPassword is required by every Sentinel and used between them. Empty: none.
	SentinelPassword string
	// SentinelConfig has extra lines for every Sentinel's file, also ACL users ("user ...").
	SentinelConfig []string

	// Primaries is the number of shards of a Cluster. Default 3.
	Primaries int
	// Unformed leaves a Cluster's nodes without slots and unknown to each other. Groups has their intended roles.
	Unformed bool
	// NodeTimeout is the Cluster's cluster-node-timeout. Default 2 s.
	NodeTimeout time.Duration
}

// withDefaults sets the fields that are zero to their defaults.
func (o Options) withDefaults() (Options, error) {
	if o.Binary == "" {
		binary, err := ServerBinary()
		if err != nil {
			return o, err
		}
		o.Binary = binary
	}
	if o.Host == "" {
		o.Host = IPv4Loopback
	}
	if len(o.Masters) == 0 {
		o.Masters = []string{"main"}
	}
	if o.Sentinels == 0 {
		o.Sentinels = 3
	}
	if o.Quorum == 0 {
		o.Quorum = o.Sentinels/2 + 1
	}
	if o.Primaries == 0 {
		o.Primaries = 3
	}
	o.DownAfter = either(o.DownAfter, o.Fast, 500*time.Millisecond, 5*time.Second)
	o.FailoverTimeout = either(o.FailoverTimeout, o.Fast, 3*time.Second, 20*time.Second)
	if o.NodeTimeout == 0 {
		o.NodeTimeout = 2 * time.Second
	}
	return o, nil
}

func either(set time.Duration, fast bool, short, long time.Duration) time.Duration {
	switch {
	case set != 0:
		return set
	case fast:
		return short
	default:
		return long
	}
}

// ErrNoServer: no Redis server program was found.
var ErrNoServer = errors.New("no redis-server or valkey-server on the path and REDIS_SERVER is not set " +
	"(make test installs one)")

// ServerBinary returns the server program: $REDIS_SERVER, else redis-server, else valkey-server on the path.
func ServerBinary() (string, error) {
	if named := os.Getenv("REDIS_SERVER"); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("REDIS_SERVER: %w", err)
		}
		return path, nil
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoServer
}

// Version is the version of a server program.
type Version struct {
	// Valkey: it is Valkey, whose numbers differ from those of Redis.
	Valkey              bool
	Major, Minor, Patch int
}

// AtLeast compares with a version of Redis; every Valkey has what Redis 7.2 had.
func (v Version) AtLeast(major, minor int) bool {
	if v.Valkey {
		return major < 7 || major == 7 && minor <= 2
	}
	return v.Major > major || v.Major == major && v.Minor >= minor
}

func (v Version) String() string {
	name := "redis"
	if v.Valkey {
		name = "valkey"
	}
	return fmt.Sprintf("%s %d.%d.%d", name, v.Major, v.Minor, v.Patch)
}

// ServerVersion runs binary --version and parses "Redis server v=7.0.15 ..." or "Valkey server v=8.0.1 ...".
func ServerVersion(binary string) (Version, error) {
	out, err := exec.Command(binary, "--version").Output()
	if err != nil {
		return Version{}, fmt.Errorf("%s --version: %w", binary, err)
	}
	v := Version{Valkey: strings.HasPrefix(string(out), "Valkey")}
	for _, word := range strings.Fields(string(out)) {
		numbers, found := strings.CutPrefix(word, "v=")
		if !found {
			continue
		}
		for i, part := range strings.SplitN(numbers, ".", 3) {
			n, err := strconv.Atoi(part)
			if err != nil {
				break
			}
			*[]*int{&v.Major, &v.Minor, &v.Patch}[i] = n
		}
		return v, nil
	}
	return Version{}, fmt.Errorf("%s --version prints no version: %q", binary, out)
}
