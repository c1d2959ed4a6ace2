package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// SplitListen splits an address of Service.Listen into the arguments of net.Listen and net.Dial: "tcp" and HOST:PORT,
// or "unix" and a path. Port 0 asks the system for a free port.
func SplitListen(listen string) (network, address string, err error) {
	if path, isUnix := strings.CutPrefix(listen, "unix:"); isUnix {
		if path == "" {
			return "", "", errors.New("has no path; use unix:/path")
		}
		if len(path) > unixPathMax {
			return "", "", fmt.Errorf("has a path longer than the %d bytes a unix socket may have", unixPathMax)
		}
		return "unix", path, nil
	}
	if strings.HasPrefix(listen, "/") {
		return "", "", fmt.Errorf("is a path; a unix socket is written unix:%s", listen)
	}
	if _, _, err := splitHostPort(listen, 0); err != nil {
		return "", "", err
	}
	return "tcp", listen, nil
}

// unixPathMax is sun_path without its final zero: 108 bytes on Linux, 104 on the BSDs and macOS.
const unixPathMax = 103

// splitHostPort splits HOST:PORT or [IPv6]:PORT. The host may be empty only if portMin is 0, for listeners. Its errors
// continue a sentence that begins with the address.
func splitHostPort(address string, portMin int) (host string, port int, err error) {
	if strings.Contains(address, "://") {
		return "", 0, errors.New("is a URL; use HOST:PORT")
	}
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		if ip, ipErr := netip.ParseAddr(address); ipErr == nil && ip.Is6() {
			return "", 0, fmt.Errorf("has no port; IPv6 is written [%s]:PORT", address)
		}
		if !strings.Contains(address, ":") {
			return "", 0, errors.New("has no port; use HOST:PORT")
		}
		return "", 0, errors.New("is not HOST:PORT (IPv6: [ADDRESS]:PORT)")
	}
	port, err = strconv.Atoi(portText)
	if err != nil || port < portMin || port > 65535 {
		return "", 0, fmt.Errorf("has no port from %d to 65535", portMin)
	}
	if host == "" && portMin > 0 {
		return "", 0, errors.New("has no host before the port")
	}
	if err := checkHost(host); err != nil {
		return "", 0, err
	}
	return host, port, nil
}

// checkHost rejects text that is neither a name nor an IP address; whether a name resolves is known only at the dial.
func checkHost(host string) error {
	if strings.ContainsAny(host, " \t\r\n/@,=\"'[]") {
		return errors.New("has a character in its host that host names cannot have")
	}
	return nil
}

// isLocal reports whether only this machine can reach a listener. Names other than localhost are not resolved: their
// meaning may change after the check.
func isLocal(listen string) bool {
	network, address, err := SplitListen(listen)
	if err != nil || network == "unix" {
		return err == nil
	}
	host, _, _ := net.SplitHostPort(address)
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// overlap reports whether two listeners need the same port of the same address. A listener on every address, written
// with or without an IP version, takes IPv4 and IPv6 alike.
func overlap(a, b string) bool {
	networkA, addressA, errA := SplitListen(a)
	networkB, addressB, errB := SplitListen(b)
	if errA != nil || errB != nil || networkA != networkB {
		return false
	}
	if networkA == "unix" {
		return addressA == addressB
	}
	hostA, portA, _ := net.SplitHostPort(addressA)
	hostB, portB, _ := net.SplitHostPort(addressB)
	if portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || isEvery(hostA) || isEvery(hostB)
}

func isEvery(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

// quoted returns an address for a fault, without the password that a URL-like one may contain.
func quoted(text string) string {
	if at := strings.LastIndex(text, "@"); at >= 0 {
		text = "***" + text[at:]
	}
	return strconv.Quote(text)
}
