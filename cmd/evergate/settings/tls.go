package settings

import (
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"evergate/gateway/config"
)

// tlsSettings are the TLS of one service: of its listeners, and towards its servers and Sentinels.
var tlsSettings = slices.Concat([]*Setting{
	listSetting("tls-listen", "HOST:PORT,...", "addresses to accept clients on with TLS",
		func(t target) *[]string { return &t.service.TLSListen }),
	listSetting("tls-cert-file", "FILE,...",
		"certificates of the TLS listeners, each followed by its intermediate CAs; chosen by the name that a client asks for",
		func(t target) *[]string { return &t.service.TLS.CertFiles }),
	listSetting("tls-key-file", "FILE,...", "private keys of those certificates, in the same order",
		func(t target) *[]string { return &t.service.TLS.KeyFiles }),
	textSetting("tls-ca-file", "FILE", "CAs that sign the clients' certificates",
		func(t target) *string { return &t.service.TLS.CAFile }),
	tlsAuthSetting(),
	protocolsSetting(),
	ciphersSetting(),
}, tlsClientSettings("upstream-tls", "servers", func(t target) *config.TLSClient { return &t.service.UpstreamTLS }),
	tlsClientSettings("sentinel-tls", "Sentinels", func(t target) *config.TLSClient { return &t.service.SentinelTLS }))

// tlsClientSettings are the settings of TLS towards servers or Sentinels.
func tlsClientSettings(name, peers string, field func(target) *config.TLSClient) []*Setting {
	text := func(suffix, wants, usage string, of func(*config.TLSClient) *string) *Setting {
		return textSetting(name+suffix, wants, usage, func(t target) *string { return of(field(t)) })
	}
	return []*Setting{
		switchSetting(name, "use TLS towards the "+peers, func(t target) *bool { return &field(t).Enabled }),
		text("-ca-file", "FILE", "CAs that sign the certificates of the "+peers+" (default: those of the system)",
			func(c *config.TLSClient) *string { return &c.CAFile }),
		text("-cert-file", "FILE", "certificate to present to the "+peers,
			func(c *config.TLSClient) *string { return &c.CertFile }),
		text("-key-file", "FILE", "private key of that certificate",
			func(c *config.TLSClient) *string { return &c.KeyFile }),
		text("-server-name", "NAME", "name that the certificates of all "+peers+
			" must have (default: the host of each address)",
			func(c *config.TLSClient) *string { return &c.ServerName }),
	}
}

// handshakeTimeout is the one setting of TLS that concerns the process.
var handshakeTimeout = durationSetting("tls-handshake-timeout",
	"close a client that has not finished its TLS handshake within this time",
	func(t target) *time.Duration { return &t.config.Limits.HandshakeMax })

func tlsAuthSetting() *Setting {
	field := func(t target) *config.TLSClientAuth { return &t.service.TLS.ClientAuth }
	return &Setting{Name: "tls-auth-clients", Wants: strings.Join(config.TLSClientAuths, "|"),
		Choices: config.TLSClientAuths,
		usage:   "whether clients need a certificate (default: yes if there is a tls-ca-file)",
		set:     func(t target, texts []string) error { *field(t) = config.TLSClientAuth(texts[0]); return nil },
		show:    func(t target) string { return string(*field(t)) }}
}

// protocolsSetting takes its words as redis.conf has them, separated by spaces, as well as by commas.
func protocolsSetting() *Setting {
	s := wordsSetting("tls-protocols", "PROTOCOL,...", "versions of TLS for clients: "+
		strings.Join(config.TLSProtocols, ", ")+" (default: all)", " ",
		func(t target) *[]string { return &t.service.TLS.Protocols })
	s.Choices = config.TLSProtocols
	return s
}

// ciphersSetting takes its words as redis.conf has them, separated by colons, as well as by commas.
func ciphersSetting() *Setting {
	return wordsSetting("tls-ciphers", "CIPHER,...", "cipher suites for clients with TLS 1.2, in OpenSSL's names", ":",
		func(t target) *[]string { return &t.service.TLS.Ciphers })
}

// wordsSetting is a list whose words may also be separated in another way.
func wordsSetting(name, wants, usage, separator string, field func(target) *[]string) *Setting {
	s := listSetting(name, wants, usage, field)
	s.set = func(t target, texts []string) error {
		*field(t) = nil
		for _, text := range texts {
			for word := range strings.SplitSeq(text, separator) {
				if word != "" {
					*field(t) = append(*field(t), word)
				}
			}
		}
		return nil
	}
	return s
}

// switchSetting is true or false, and off by default.
func switchSetting(name, usage string, field func(target) *bool) *Setting {
	return &Setting{Name: name, Wants: "bool", kind: toggle, usage: usage,
		set: func(t target, texts []string) (err error) {
			*field(t), err = parseSwitch(texts[0])
			return err
		},
		show: func(t target) string {
			if !*field(t) {
				return ""
			}
			return "true"
		}}
}

// onlyTLS drops the default listener of a service that has TLS listeners and names no other: whoever asks for TLS is
// not given an address without it.
func (r *Resolved) onlyTLS() {
	for i := range r.Config.Services {
		service := &r.Config.Services[i]
		if _, given := r.where(i, "listen", ""); !given && len(service.TLSListen) > 0 {
			service.Listen = nil
		}
	}
}

// checkTLSFiles opens the files of TLS: a wrong path is to fail the start, not the first handshake.
func (r *Resolved) checkTLSFiles(s *Sources) {
	for i := range r.Config.Services {
		service := &r.Config.Services[i]
		found := func(fault config.Fault) Mistake {
			at, _ := r.where(i, fault.Setting, fault.Item)
			a := assignment{setting: Find(fault.Setting), at: at}
			return Mistake{at, a.named(fault.Text)}
		}
		faults, warnings := service.TLSFiles(time.Now())
		for _, fault := range faults {
			if errors.Is(fault.Cause, os.ErrNotExist) && r.elsewhere {
				r.Warnings = append(r.Warnings, found(fault))
			} else {
				s.Mistakes = append(s.Mistakes, found(fault))
			}
		}
		for _, warning := range warnings {
			r.Warnings = append(r.Warnings, found(warning))
		}
		for _, keys := range []struct {
			setting string
			files   []string
		}{
			{"tls-key-file", service.TLS.KeyFiles}, {"upstream-tls-key-file", []string{service.UpstreamTLS.KeyFile}},
			{"sentinel-tls-key-file", []string{service.SentinelTLS.KeyFile}},
		} {
			for _, file := range keys.files {
				if text := readableByAll(file); text != "" {
					r.Warnings = append(r.Warnings, found(config.Fault{Setting: keys.setting, Item: file, Text: text}))
				}
			}
		}
	}
}
