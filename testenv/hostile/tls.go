package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"evergate/testenv/servers"
)

// host is the name in the gateway's certificate.
const host = "localhost"

// handshakes makes whole handshakes, several at a time, and leaves.
func handshakes(_ context.Context, t *target) {
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			c := t.dial()
			if c == nil {
				return
			}
			defer func() { _ = c.Close() }()
			_ = tls.Client(c, t.config).Handshake()
		})
	}
	all.Wait()
}

// clientHello is the first record of a handshake.
func clientHello(config *tls.Config) []byte {
	ours, theirs := net.Pipe()
	defer func() { _, _ = ours.Close(), theirs.Close() }()
	go func() { _ = tls.Client(ours, config).Handshake() }()
	hello := make([]byte, 4<<10)
	n, _ := theirs.Read(hello)
	return hello[:n]
}

// halfHandshakes begins handshakes, some of them byte by byte, and waits for what the gateway does.
func halfHandshakes(ctx context.Context, t *target) {
	hello := clientHello(t.config)
	var all []net.Conn
	for i := range 50 {
		c := t.dial()
		if c == nil {
			break
		}
		all = append(all, c)
		if i%2 == 0 {
			_, _ = c.Write(hello)
		}
	}
	for _, b := range hello[:20] {
		for i, c := range all {
			if i%2 == 1 {
				_, _ = c.Write([]byte{b})
			}
		}
		pause(ctx, 50*time.Millisecond)
	}
	for _, c := range all {
		_ = c.Close()
	}
}

// brokenHandshakes sends garbage behind a good beginning: records of random bytes, of the largest size, of no bytes,
// and a message that announces 16 MB.
func brokenHandshakes(_ context.Context, t *target) {
	hello := clientHello(t.config)
	random := make([]byte, 16<<10)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	for _, rest := range [][]byte{
		random,
		append([]byte{23, 3, 3, 0x40, 0}, random...),
		append([]byte{22, 3, 3, 0x40, 0, 11, 255, 255, 255}, random...),
		append(make([]byte, 0, 5000), strings.Repeat("\x14\x03\x03\x00\x01\x01", 800)...),
		append(make([]byte, 0, 5000), strings.Repeat("\x17\x03\x03\x00\x00", 800)...),
	} {
		c := t.dial()
		if c == nil {
			return
		}
		if _, err := c.Write(append(hello[:len(hello):len(hello)], rest...)); err == nil {
			_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			_, _ = c.Read(make([]byte, 4<<10))
		}
		_ = c.Close()
	}
}

// unreadSecrets asks over TLS for more than it reads: what is encrypted ahead takes memory, too.
func unreadSecrets(ctx context.Context, t *target) {
	request := servers.AppendCommand(nil, "GET", "secret")
	for range 3 {
		request = append(request, request...)
	}
	first := true
	t.many(ctx, 20, 2*time.Second, func(c *servers.Conn) {
		if first {
			_, _ = c.Do("SET", "secret", string(make([]byte, 512<<10)))
			first = false
		}
		_ = c.SendRaw(request)
	})
}

// keyUpdates changes the keys of a connection again and again, and each time asks the gateway to do so as well. The
// library does not offer that to clients, so the records are made here. (Nor does it offer to renegotiate TLS 1.2.)
func keyUpdates(_ context.Context, t *target) {
	c := t.dial()
	if c == nil {
		return
	}
	defer func() { _ = c.Close() }()
	var log strings.Builder
	config := t.config.Clone()
	config.KeyLogWriter, config.MinVersion = &log, tls.VersionTLS13
	secure := tls.Client(c, config)
	if secure.Handshake() != nil || secure.ConnectionState().CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		return
	}
	keys, err := newTrafficKeys(log.String())
	if err != nil {
		return
	}
	var b []byte
	for range 1000 {
		// A handshake message of the type key_update that requests one of the other side (RFC 8446, 4.6.3).
		if b, err = keys.record(b, []byte{24, 0, 0, 1, 1, 22}); err != nil || keys.update() != nil {
			return
		}
	}
	if _, err := c.Write(b); err == nil {
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		for err == nil {
			_, err = c.Read(b)
		}
	}
}

// trafficKeys encrypts a client's records in TLS 1.3 (RFC 8446, 7.3) with AES-128-GCM and SHA-256.
type trafficKeys struct {
	secret, iv []byte
	aead       cipher.AEAD
	sent       uint64 // records under this key
}

// newTrafficKeys takes the secret from the lines of a tls.Config.KeyLogWriter.
func newTrafficKeys(log string) (*trafficKeys, error) {
	for line := range strings.Lines(log) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "CLIENT_TRAFFIC_SECRET_0" {
			secret, err := hex.DecodeString(words[2])
			if err != nil {
				return nil, err
			}
			k := &trafficKeys{secret: secret}
			return k, k.derive()
		}
	}
	return nil, errors.New("no secret is logged")
}

func (k *trafficKeys) expand(label string, n int) ([]byte, error) {
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	label = "tls13 " + label
	info = append(append(info, byte(len(label))), label...)
	return hkdf.Expand(sha256.New, k.secret, string(append(info, 0)), n)
}

// derive makes the key and the first nonce from the secret.
func (k *trafficKeys) derive() error {
	key, err := k.expand("key", 16)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	if k.aead, err = cipher.NewGCM(block); err != nil {
		return err
	}
	k.iv, err = k.expand("iv", 12)
	k.sent = 0
	return err
}

// update goes on to the next keys.
func (k *trafficKeys) update() (err error) {
	if k.secret, err = k.expand("traffic upd", sha256.Size); err != nil {
		return err
	}
	return k.derive()
}

// record appends one record with this content, whose last byte is its type.
func (k *trafficKeys) record(b, content []byte) ([]byte, error) {
	header := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(content)+k.aead.Overhead()))
	nonce := append([]byte(nil), k.iv...)
	counter := binary.BigEndian.Uint64(nonce[4:]) ^ k.sent
	binary.BigEndian.PutUint64(nonce[4:], counter)
	k.sent++
	return k.aead.Seal(append(b, header...), nonce, content, header), nil
}
