//go:build !unix

package gateway

// descriptorsLimit is not known here.
func descriptorsLimit() int { return descriptorsMany }
