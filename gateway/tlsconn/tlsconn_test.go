package tlsconn

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"testing"
	"time"
)

// configs are those of a server and of a client that trusts it.
func configs(t testing.TB, version uint16) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"gateway"},
		NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	server = &tls.Config{Certificates: []tls.Certificate{pair}, MaxVersion: version, DynamicRecordSizingDisabled: true}
	client = &tls.Config{RootCAs: roots, ServerName: "gateway", DynamicRecordSizingDisabled: true}
	return server, client
}

// shakenHands returns both ends of a connection after the handshake, both detached. Whatever either still had to say
// has been read.
func shakenHands(t testing.TB, version uint16) (server, client *Conn) {
	t.Helper()
	forServer, forClient := configs(t, version)
	a, b := net.Pipe()
	server, client = Server(a, forServer, nil), Client(b, forClient)
	done := make(chan error, 1)
	go func() {
		err := server.Handshake()
		if err == nil {
			_, err = server.Write([]byte("."))
		}
		done <- err
	}()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(client, make([]byte, 1)); err != nil { // tickets come before it
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	server.Detach()
	client.Detach()
	return server, client
}

// drain returns all that a connection has to read now, and why there is no more.
func drain(c *Conn) (all []byte, err error) {
	b := make([]byte, 1000)
	for {
		n, err := c.Read(b)
		if all = append(all, b[:n]...); err != nil {
			return all, err
		}
	}
}

var versions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// TestWhatCountsAsSentCanBeRead sends in pieces of any size. At each moment as much counts as sent as the peer can
// read, not a byte more and not a byte less: a write that counts as not sent is sent again elsewhere.
func TestWhatCountsAsSentCanBeRead(t *testing.T) {
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(30) {
				rnd := mathrand.New(mathrand.NewPCG(seed, 1))
				from, to := shakenHands(t, version)
				data := make([]byte, rnd.IntN(300_000)+1)
				for i := range data {
					data[i] = byte(rnd.Uint32())
				}
				sendInPieces(t, rnd, from, to, data)
			}
		})
	}
}

func sendInPieces(t *testing.T, rnd *mathrand.Rand, from, to *Conn, data []byte) {
	t.Helper()
	scratch, sent := NewScratch(), 0
	offered := rnd.IntN(len(data))
	var got []byte
	for sent < len(data) {
		offered = min(len(data), max(offered, sent)+rnd.IntN(40_000)) // what is offered grows, and is never changed
		b, err := from.Seal(data[sent:offered], scratch)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		switch rnd.IntN(4) {
		case 0:
			n = rnd.IntN(len(b) + 1)
		case 1:
			n = min(len(b), rnd.IntN(8))
		case 2:
			n = len(b)
		}
		to.Received(bytes.Clone(b[:n]))
		sent += from.Sent(n)
		more, err := drain(to)
		if !Dry(err) {
			t.Fatal(err)
		}
		if got = append(got, more...); len(got) != sent {
			t.Fatalf("%d bytes count as sent, the peer can read %d", sent, len(got))
		}
	}
	if !bytes.Equal(got, data) {
		t.Fatal("the peer has read something else")
	}
	if from.wire.pending != nil || len(scratch.out) != 0 {
		t.Fatal("everything was sent, and something is pending")
	}
}

// TestNotWanted: what was encrypted and is not offered any more is never sent.
func TestNotWanted(t *testing.T) {
	from, to := shakenHands(t, tls.VersionTLS13)
	scratch := NewScratch()
	data := bytes.Repeat([]byte("x"), 3*recordBytes)
	b, err := from.Seal(data, scratch)
	if err != nil {
		t.Fatal(err)
	}
	part := recordBytes + 1000
	to.Received(bytes.Clone(b[:part]))
	if sent := from.Sent(part); sent != recordBytes {
		t.Fatalf("%d bytes count as sent, want those of one record", sent)
	}
	if got, err := drain(to); len(got) != recordBytes || !Dry(err) {
		t.Fatalf("%d bytes were read: %v", len(got), err)
	}
	for _, offered := range [][]byte{nil, data[:recordBytes]} {
		if b, err := from.Seal(offered, scratch); len(b) != 0 || err != nil {
			t.Fatalf("%d bytes are offered, fewer than were encrypted: %d are to be sent, %v", len(offered), len(b), err)
		}
	}
	if b := from.Goodbye(scratch); len(b) != 0 {
		t.Fatalf("behind a part of a record come %d bytes more", len(b))
	}
	// The scratch is another connection's now.
	other, reader := shakenHands(t, tls.VersionTLS13)
	sendInPieces(t, mathrand.New(mathrand.NewPCG(1, 1)), other, reader, data)
}

// TestEnds: a connection ends with a goodbye, with the end of the stream between two records, or in the middle of one.
func TestEnds(t *testing.T) {
	scratch := NewScratch()
	for name, version := range versions {
		t.Run(name, func(t *testing.T) {
			ends := map[string]struct {
				end  func(from, to *Conn, record []byte)
				read string
				want error
			}{
				"goodbye": {func(from, to *Conn, record []byte) {
					to.Received(append(record, from.Goodbye(scratch)...))
				}, "hello", io.EOF},
				"between": {func(_, to *Conn, record []byte) { to.Received(record); to.End() }, "hello", io.EOF},
				"within": {func(_, to *Conn, record []byte) {
					to.Received(record[:len(record)-1])
					to.End()
				}, "", io.ErrUnexpectedEOF},
			}
			for what, end := range ends {
				from, to := shakenHands(t, version)
				b, err := from.Seal([]byte("hello"), scratch)
				if err != nil {
					t.Fatal(err)
				}
				record := bytes.Clone(b)
				from.Sent(len(b))
				end.end(from, to, record)
				got, err := drain(to)
				if string(got) != end.read || !errors.Is(err, end.want) {
					t.Errorf("%s: read %q and %v, want %q and %v", what, got, err, end.read, end.want)
				}
				// One that has read all may still answer.
				if b, err := to.Seal([]byte("reply"), scratch); end.want == io.EOF && (err != nil || len(b) == 0) {
					t.Errorf("%s: no reply is possible any more: %v", what, err)
				}
				to.Sent(0)
				to.wire.pending = nil
				scratch.reset()
			}
		})
	}
}

// TestDamage: a byte that was changed on the way is an error, and the alert about it is what is owed.
func TestDamage(t *testing.T) {
	from, to := shakenHands(t, tls.VersionTLS13)
	scratch := NewScratch()
	b, err := from.Seal([]byte("hello"), scratch)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(b)
	damaged[len(b)-1] ^= 1
	from.Sent(len(b))
	to.Received(damaged)
	if got, err := drain(to); len(got) != 0 || err == nil || Dry(err) {
		t.Fatalf("a damaged record was read as %q, %v", got, err)
	}
	if !to.Owes() {
		t.Fatal("there is no alert")
	}
	if _, err := to.Seal([]byte("more"), scratch); err != nil {
		t.Fatal(err)
	}
}

// TestBuffersStaySmall: reads never go past one record, so that a burst leaves little behind.
func TestBuffersStaySmall(t *testing.T) {
	w := &wire{in: append([]byte{23, 3, 3, 0, 2, 'a', 'b'}, 23, 3, 3, 0, 0, 23, 3, 3, 1, 0)}
	b := make([]byte, 600)
	for _, want := range []int{7, 5, 5} {
		if n, err := w.Read(b); n != want || err != nil {
			t.Fatalf("read %d bytes, %v; the record has %d", n, err, want)
		}
	}
	if n, err := w.Read(b); n != 0 || !Dry(err) {
		t.Fatalf("read %d bytes, %v, of none", n, err)
	}
	w.in = make([]byte, 1000)
	if n, err := w.Read(b); n != 256 || err != nil {
		t.Fatalf("read %d bytes, %v; the record has 256 left", n, err)
	}
}

func TestSteadyStateAllocatesLittle(t *testing.T) {
	from, to := shakenHands(t, tls.VersionTLS13)
	scratch, request, into := NewScratch(), []byte("*1\r\n$4\r\nPING\r\n"), make([]byte, 100)
	round := func() {
		b, _ := from.Seal(request, scratch)
		to.Received(b)
		from.Sent(len(b))
		if n, err := to.Read(into); n != len(request) || err != nil || !to.Exhausted() {
			t.Fatal(n, err)
		}
	}
	round()
	// crypto/tls makes a reader of 32 bytes for each record. Its pool of buffers drops some under the race detector.
	if n := testing.AllocsPerRun(1000, round); n > 2 {
		t.Fatalf("%v allocations for each round", n)
	}
}

// TestRecordsWithoutData: a peer that changes keys now and then is served, one that does little else is not, even if it
// sends a byte in between.
func TestRecordsWithoutData(t *testing.T) {
	w := &wire{}
	for range 10_000 {
		if w.overspent(1, recordBytes) {
			t.Fatal("records with data are too many")
		}
	}
	for i := range emptyRecords + 10_000*recordBytes/emptyPer {
		if w.overspent(1, 0) {
			t.Fatalf("after %d records without data", i)
		}
	}
	if !w.overspent(1, 0) {
		t.Error("one more is not too many")
	}
	w = &wire{}
	for i := 0; !w.overspent(15, 1); i++ {
		if i > 2*emptyRecords {
			t.Fatal("a byte now and then pays for all records")
		}
	}
}

// FuzzReceived passes what a peer sends in pieces that the fuzzer chooses: the same must be read.
func FuzzReceived(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 255, 0, 5})
	f.Add(bytes.Repeat([]byte{1}, 100))
	// One pair serves all tries: a handshake takes a thousand times as long as one of them.
	from, to := shakenHands(f, tls.VersionTLS13)
	scratch := NewScratch()
	f.Fuzz(func(t *testing.T, cuts []byte) {
		var stream, want []byte
		for i, size := range append(bytes.Clone(cuts[:min(len(cuts), 12)]), 0) {
			data := bytes.Repeat([]byte{byte(i)}, int(size)*70+1)
			for len(data) > 0 {
				b, err := from.Seal(data, scratch)
				if err != nil {
					t.Fatal(err)
				}
				stream = append(stream, b...)
				n := from.Sent(len(b))
				want = append(want, data[:n]...)
				data = data[n:]
			}
		}
		var got []byte
		for i := 0; len(stream) > 0; i++ {
			n := len(stream)
			if i < len(cuts) {
				n = min(n, int(cuts[i])+1)
			}
			to.Received(stream[:n])
			stream = stream[n:]
			more, err := drain(to)
			if got = append(got, more...); !Dry(err) {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("read %d bytes, %d were sent, or others", len(got), len(want))
		}
	})
}
