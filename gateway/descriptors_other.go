//go:build !unix

package gateway

// descriptorsLimit is unknown on this system.
func descriptorsLimit() int { return descriptorsMany }
