package servers

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// stopPatience is how long a process may take to end after SIGTERM before it is killed. A gateway may drain for 10 s.
const stopPatience = 20 * time.Second

// WriteProgram writes a script that can be run at once. It prevents forks meanwhile: a forked process would inherit the
// file, open for writing, and until its exec the script could not be run ("text file busy", golang/go#22315).
func WriteProgram(path, text string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, []byte(text), 0o700)
}

// Process is a child that ends with its parent: on Linux the kernel kills it when this process dies in any way. Its
// standard output and error are appended to a log file.
type Process struct {
	// Pid is its process id.
	Pid    int
	cmd    *exec.Cmd
	log    string
	frozen atomic.Bool
	exited chan struct{}
	// waitErr is the result of Wait; set before exited is closed.
	waitErr error
}

// StartProcess runs binary in dir with args and appends its output to the file log. variables are added to this
// process's environment.
func StartProcess(dir, log, binary string, args []string, variables ...string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	p := &Process{log: log, exited: make(chan struct{})}
	p.cmd = exec.Command(binary, args...)
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), variables...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = dieWithParent()
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", binary, err)
	}
	return p, nil
}

// run starts the child and waits for it on one OS thread: the kernel sends the parent-death signal when the *thread*
// that started the child ends, and the Go runtime may end any thread unless a goroutine is locked to it.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	p.Pid = p.cmd.Process.Pid
	started <- nil
	p.waitErr = p.cmd.Wait()
	close(p.exited)
}

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// ExitCode returns its exit code, -1 if a signal ended it. Only valid after Exited.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Signal sends sig; a process that has already ended is no error.
func (p *Process) Signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Kill ends it with SIGKILL, frozen or not, and waits until it is gone.
func (p *Process) Kill() error {
	err := p.Signal(syscall.SIGKILL)
	<-p.exited
	return err
}

// Stop thaws it, sends SIGTERM, and kills it if it has not ended after 20 s, which is an error.
func (p *Process) Stop() error {
	if err := errors.Join(p.Thaw(), p.Signal(syscall.SIGTERM)); err != nil {
		return errors.Join(err, p.Kill())
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopPatience):
		return errors.Join(fmt.Errorf("process %d did not end %v after SIGTERM", p.Pid, stopPatience), p.Kill())
	}
}

// Freeze stops it with SIGSTOP: its sockets stay open.
func (p *Process) Freeze() error {
	p.frozen.Store(true)
	return p.Signal(syscall.SIGSTOP)
}

// Thaw resumes a frozen process; it has no effect on one that is not frozen.
func (p *Process) Thaw() error {
	if !p.frozen.Swap(false) {
		return nil
	}
	return p.Signal(syscall.SIGCONT)
}

// LogTail returns the end of its output, at most max bytes of whole lines.
func (p *Process) LogTail(max int) string { return fileTail(p.log, max) }

// fileTail returns the end of a file, at most max bytes of whole lines.
func fileTail(path string, max int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(text) <= max {
		return string(text)
	}
	text = text[len(text)-max:]
	return string(text[bytes.IndexByte(text, '\n')+1:])
}
