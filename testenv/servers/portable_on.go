//go:build portable

package servers

// portable: the gateway under test runs the portable loop: it is built with the tag that the test has.
const portable = true
