package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// facades checks the listeners' facades, and that they have addresses to report.
func (v *validation) facades(services []Service) {
	anySentinel := slices.ContainsFunc(services, func(s Service) bool { return s.HasFacade(FacadeSentinel) })
	anyFacade := slices.ContainsFunc(services, func(s Service) bool {
		return s.HasFacade(FacadeCluster) || s.HasFacade(FacadeReplica) || s.HasFacade(FacadeSentinel)
	})
	reported := map[string]string{} // the listener at each announced address
	for i := range services {
		s := &services[i]
		v.service = i
		v.facadeWords(s)
		v.announceWords(s)
		v.facadeNeeds(s, anySentinel, anyFacade)
		for k, listen := range s.Listeners() {
			if s.isReported(k, anySentinel) {
				v.announced(s, listen, reported)
			}
		}
	}
}

// facadeWords checks each value of facade by itself.
func (v *validation) facadeWords(s *Service) {
	v.facadeWord("", s.Facade)
	for _, listen := range slices.Sorted(maps.Keys(s.ListenFacade)) {
		if !slices.Contains(s.Listeners(), listen) {
			v.noListener("facade", listen)
		}
		v.facadeWord(listen, s.ListenFacade[listen])
		if _, holds := s.ListenHold[listen]; holds && s.ListenFacade[listen] == FacadeSentinel {
			v.fault(Fault{Setting: "hold", Item: listen, Other: "facade",
				Text: quoted(listen) + " is a Sentinel facade, where no request waits for a server"})
		}
	}
}

func (v *validation) facadeWord(listen string, f Facade) {
	choices := []string{string(FacadeCluster), string(FacadeReplica), string(FacadeSentinel)}
	if f != FacadeNone && !slices.Contains(choices, string(f)) {
		v.fault(Fault{Setting: "facade", Item: listen, Given: string(f), Choices: choices,
			Text: fmt.Sprintf("%q is not one of %s", string(f), strings.Join(choices, ", "))})
	}
}

func (v *validation) noListener(setting, listen string) {
	v.fault(Fault{Setting: setting, Item: listen, Other: "listen",
		Text: quoted(listen) + " is not one of the addresses of listen"})
}

// announceWords checks each value of announce by itself.
func (v *validation) announceWords(s *Service) {
	if s.Announce != "" {
		v.announceWord("", s.Announce)
	}
	for _, listen := range slices.Sorted(maps.Keys(s.ListenAnnounce)) {
		switch {
		case !slices.Contains(s.Listeners(), listen):
			v.noListener("announce", listen)
		case s.FacadeAt(listen) == FacadeSentinel:
			v.fault(Fault{Setting: "announce", Item: listen, Other: "facade",
				Text: quoted(listen) + " is a Sentinel facade, whose own address is never reported"})
		}
		v.announceWord(listen, s.ListenAnnounce[listen])
	}
}

func (v *validation) announceWord(listen, announce string) {
	if err := checkHostMaybePort(announce); err != nil {
		text := strings.ReplaceAll(err.Error(), "FROM=TO", "HOST or HOST:PORT")
		v.fault(Fault{Setting: "announce", Item: listen, Text: quoted(announce) + " " + text})
	} else if host, _ := splitAnnounce(announce); unusable(host) {
		v.fault(Fault{Setting: "announce", Item: listen,
			Text: quoted(announce) + " is every address of a machine, which no client can connect to"})
	}
}

func unusable(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsUnspecified()
}

// facadeNeeds checks the requirements of facades, and settings that require one.
func (v *validation) facadeNeeds(s *Service, anySentinel, anyFacade bool) {
	if len(s.Listeners()) > 0 && s.Writer(false) < 0 {
		switch {
		case s.HasFacade(FacadeReplica):
			v.needs("facade", "listen", "a replica facade reports a listener of the same service that accepts writes")
		case anySentinel:
			v.needs("facade", "listen", "a Sentinel facade reports a listener of each service that accepts writes")
		}
	}
	if !anyFacade && (s.Announce != "" || len(s.ListenAnnounce) > 0) {
		v.needs("announce", "facade", "only facades report an address to clients")
	}
	secret := s.FacadePassword
	if secret.File != "" && secret.Value != "" {
		v.fault(Fault{Setting: "facade-password-file", Other: "facade-password",
			Text: "conflicts with facade-password: set only one"})
	}
	if !secret.IsZero() && !s.HasFacade(FacadeSentinel) {
		setting := "facade-password-file"
		if secret.Value != "" {
			setting = "facade-password"
		}
		v.needs(setting, "facade", "no listener of this service is a Sentinel facade")
	}
}

// isReported reports whether a facade reports the address of the listener with this index to clients.
func (s *Service) isReported(index int, anySentinel bool) bool {
	switch s.FacadeAt(s.Listeners()[index]) {
	case FacadeCluster, FacadeReplica:
		return true
	case FacadeNone:
		isWriter := index == s.Writer(s.IsTLS(index))
		return isWriter && (anySentinel || s.HasFacade(FacadeReplica))
	}
	return false
}

// announced checks the address of a listener that clients get.
func (v *validation) announced(s *Service, listen string, reported map[string]string) {
	network, _, err := SplitListen(listen)
	if err != nil {
		return
	}
	host, port := s.Announced(listen)
	switch {
	case host == "" || network == "unix" && port == 0:
		v.fault(Fault{Setting: "announce", Item: listen, Other: "facade", Text: "is missing: a facade reports the " +
			"address " + quoted(listen) + ", which clients cannot connect to; set HOST:PORT"})
		return
	case port == 0:
		return
	}
	address := fmt.Sprintf("%s port %d", strings.ToLower(host), port)
	if other, twice := reported[address]; twice {
		v.fault(Fault{Setting: "announce", Item: listen, Other: "facade",
			Text: fmt.Sprintf("%s would be reported for %s and for %s", address, quoted(other), quoted(listen))})
	}
	reported[address] = listen
}

// acksListener checks that a listener is there, and takes writes.
func (v *validation) acksListener(s *Service, setting, listen string) {
	if !slices.Contains(s.Listeners(), listen) {
		v.noListener(setting, listen)
		return
	}
	if f := s.FacadeAt(listen); f == FacadeSentinel || f == FacadeReplica {
		v.fault(Fault{Setting: setting, Item: listen, Other: "facade",
			Text: quoted(listen) + " is a " + string(f) + " facade, where nothing is written"})
	}
}
