package status

import "runtime/debug"

// stampedVersion and stampedRevision are set by the linker where the sources come without .git, as in an image built
// from an archive:
//
//	go build -ldflags "-X evergate/gateway/status.stampedVersion=v1.2.3 -X ...stampedRevision=0123abcd" ./cmd/evergate
var stampedVersion, stampedRevision string

// Version is the gateway's own version: the stamped one, else what go build took from .git; "(devel)" with neither.
func Version() string {
	if stampedVersion != "" {
		return stampedVersion
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// Revision is the commit it was built from, with modified when the sources differed from it. Empty when not known.
func Revision() (revision string, modified bool) {
	if stampedRevision != "" {
		return stampedRevision, false
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", false
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	return revision, modified
}
