//go:build portable

package servers

// portable says that the gateway under test runs the portable loop: it is built with the tag that the test has.
const portable = true
