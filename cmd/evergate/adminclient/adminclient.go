// Package adminclient asks a gateway over the HTTP API of --admin.
package adminclient

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"evergate/gateway/api"
	"evergate/gateway/config"
)

// Client asks one gateway. New makes it. Any goroutine may use it.
type Client struct {
	host     string
	password config.Secret
	http     *http.Client
}

const (
	// answerTimeout bounds how long a gateway may take to answer, with all of the answer.
	answerTimeout = 3 * time.Second
	// reloadTimeout bounds how long a reload may take.
	reloadTimeout = time.Minute
	// answerMost bounds an answer in bytes, eventMost a line of the stream: who listens at the address may be no gateway.
	answerMost = 64 << 20
	eventMost  = 8 << 20
	// errorMost bounds what is shown of an answer that is no JSON.
	errorMost = 200
)

// New makes a client for HOST:PORT or unix:PATH. The password may be none; a file is read for each request.
func New(address string, password config.Secret) (*Client, error) {
	network, dialled, err := config.SplitListen(address)
	if err != nil {
		return nil, fmt.Errorf("%q %w", address, err)
	}
	host := "localhost"
	if network == "tcp" {
		host = dialled
		if strings.HasPrefix(host, ":") {
			host = "localhost" + host
		}
	}
	dialer := &net.Dialer{Timeout: answerTimeout}
	transport := &http.Transport{ // no proxy: gateways are near, and the password is for them alone
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, dialled)
		},
		IdleConnTimeout:       time.Minute,
		ResponseHeaderTimeout: answerTimeout,
	}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{host: host, password: password,
		http: &http.Client{Transport: transport, CheckRedirect: noRedirect}}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Get decodes the answer to a path, with its parameters, into a pointer. Its errors do not repeat the address.
func (c *Client) Get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answer, err := c.ask(ctx, path)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, answerMost+1))
	if err != nil {
		return plainly(err)
	}
	if len(body) > answerMost {
		return fmt.Errorf("the answer is longer than %d bytes", answerMost)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("this is no answer of a gateway: %w", err)
	}
	return nil
}

// Ready returns nil if the gateway is ready, or why it is not.
func (c *Client) Ready(ctx context.Context) error {
	answer, err := c.do(ctx, http.MethodGet, api.PathReady)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, errorMost))
	if err != nil {
		return plainly(err)
	}
	return fmt.Errorf("HTTP %d: %s", answer.StatusCode, bytes.TrimSpace(body))
}

// Reload has the gateway read its settings again, and returns the outcome. The error says why it was not even tried.
func (c *Client) Reload(ctx context.Context) (outcome api.Reload, err error) {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	patient := c.http.Transport.(*http.Transport).Clone()
	patient.ResponseHeaderTimeout = 0
	defer patient.CloseIdleConnections()
	asks := &Client{host: c.host, password: c.password,
		http: &http.Client{Transport: patient, CheckRedirect: c.http.CheckRedirect}}
	answer, err := asks.do(ctx, http.MethodPost, api.PathReload)
	if err != nil {
		return outcome, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusUnprocessableEntity {
		return outcome, asks.refusal(answer)
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, answerMost)).Decode(&outcome); err != nil {
		return outcome, fmt.Errorf("this is no answer of a gateway: %w", err)
	}
	return outcome, nil
}

// ask sends a request; an answer that is an error becomes one.
func (c *Client) ask(ctx context.Context, path string) (*http.Response, error) {
	answer, err := c.do(ctx, http.MethodGet, path)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, c.refusal(answer)
}

// refusal is the error of an answer that is one.
func (c *Client) refusal(answer *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(answer.Body, errorMost))
	if err != nil {
		return plainly(err)
	}
	reported := api.Error{}
	if json.Unmarshal(body, &reported) != nil || reported.Error == "" {
		reported.Error = strings.TrimSpace(http.StatusText(answer.StatusCode) + " " + string(bytes.TrimSpace(body)))
	}
	if answer.StatusCode == http.StatusUnauthorized && !c.password.IsZero() {
		reported.Error = "the password is wrong"
	}
	return fmt.Errorf("HTTP %d: %s", answer.StatusCode, reported.Error)
}

// do sends a request.
func (c *Client) do(ctx context.Context, method, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+c.host+path, nil)
	if err != nil {
		return nil, plainly(err)
	}
	if !c.password.IsZero() {
		password, err := c.password.Read()
		if err != nil {
			return nil, err
		}
		request.SetBasicAuth("evergate", password)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, plainly(err)
	}
	return answer, nil
}

// Events passes on the events of the stream, with their kind and JSON, until event returns an error, the context ends
// or the stream does. It returns why; never nil. open is called once the stream has begun.
func (c *Client) Events(ctx context.Context, open func(), event func(kind string, data []byte) error) error {
	answer, err := c.ask(ctx, api.PathEvents)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	open()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, eventMost)
	kind, data := "", []byte(nil)
	for lines.Scan() {
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			kind = string(value)
		case "data":
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, value...)
		case "":
			if len(lines.Bytes()) == 0 && len(data) > 0 {
				if err := event(kind, data); err != nil {
					return err
				}
				kind, data = "", nil
			}
		}
	}
	if err := lines.Err(); err != nil {
		return plainly(err)
	}
	return errors.New("the gateway has ended the stream")
}

// plainly leaves out of an error what the reader knows: the request, and how it was sent.
func plainly(err error) error {
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("no answer within %s", answerTimeout)
	}
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if operation := (*net.OpError)(nil); errors.As(err, &operation) {
		err = operation.Err
	}
	if call := (*os.SyscallError)(nil); errors.As(err, &call) {
		err = call.Err
	}
	return err
}
